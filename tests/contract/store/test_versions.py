from __future__ import annotations

import asyncpg
import pytest


async def test_server_is_of_the_version_that_the_test_names(
    request: pytest.FixtureRequest, database_url: str
) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        version = int(await connection.fetchval("SHOW server_version_num")) // 10_000
    finally:
        await connection.close()
    assert f"[postgresql-{version}]" in request.node.name
