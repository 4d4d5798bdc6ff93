"""Nothing can change or remove an event."""

from __future__ import annotations

import asyncpg
import pytest

from tests.log_node import append_to, log_node, new_stream


@pytest.mark.parametrize("table", ["events", "log"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE verbatim.{} SET owner_id = 'eve'",
        "DELETE FROM verbatim.{}",
        "TRUNCATE verbatim.{}",
    ],
)
async def test_log_refuses_change(database_url: str, table: str, statement: str) -> None:
    async with log_node(database_url) as node:
        await node.store.append(append_to(new_stream(), 0))
        await node.sealer.seal()
        with pytest.raises(asyncpg.RestrictViolationError, match="immutable"):
            await node.pool.execute(statement.format(table))
        assert await node.pool.fetchval(f"SELECT count(*) FROM verbatim.{table}") == 1
