from __future__ import annotations

import asyncpg
import pytest

from events import task
from events.ids import new_id
from projections import statements
from projections.errors import ReadModelBehind
from projections.generations import definition, live_generation
from runtime.wiring import _TaskRows
from tests.integration.projections.read_node import read_node


async def test_task_tools_wait_longer_than_a_person_would(database_url: str) -> None:
    """Another node holds the read tables for longer than a page is waited for."""
    async with read_node(database_url, patience_seconds=0.5) as node:
        live = await live_generation(node.pool, definition())
        assert live is not None
        stalled = await asyncpg.connect(database_url)
        await stalled.transaction().start()
        claim = statements.load("claim_position")
        assert await stalled.fetchrow(claim, live.number, 0, 1, "1200")
        await node.append(task.stream_of(str(new_id())), 0, task.Added(title="Buy milk"))
        with pytest.raises(ReadModelBehind):
            await node.reads.tasks_list("ada", limit=10)
        (row,) = await _TaskRows(node.reads).tasks_of("ada", None, 10)
        assert row.title == "Buy milk"
        stalled.terminate()
