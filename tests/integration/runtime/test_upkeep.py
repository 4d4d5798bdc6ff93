from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from agent.offline.model import OfflineModel
from agent.sending import Message
from runtime.node import Node, open_node
from runtime.settings import load_settings
from runtime.upkeep import keep_up, prepare_frames

PARTITIONS = """
SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = 'verbatim.frames'::regclass AND c.relname <> 'frames_default'
"""


@pytest.fixture
async def node(database_url: str, tmp_path: Path) -> AsyncIterator[Node]:
    settings = load_settings(verbatim_data_dir=tmp_path)
    model = OfflineModel(delay_seconds=0)
    async with open_node(settings, database_url=database_url, model=model) as node:
        yield node


async def frames_of_a_run(node: Node) -> list[bytes]:
    sent = await node.sender.send("ada", None, Message(text="add buy milk"))
    return [f.body async for chunk in node.frames.follow(sent.run_id, "ada") for f in chunk]


async def test_frames_written_after_a_long_idle_time_move_into_their_partition(node: Node) -> None:
    """A node that was idle for days has no partition for now; its first run comes before upkeep."""
    pool = node.database.direct
    for (name,) in await pool.fetch(PARTITIONS):
        await pool.execute(f"DROP TABLE verbatim.{name}")
    sent = await frames_of_a_run(node)
    count = "SELECT count(*) FROM verbatim."
    assert await pool.fetchval(count + "frames_default") == len(sent)
    await prepare_frames(pool)
    assert len(await pool.fetch(PARTITIONS)) == 3
    assert await pool.fetchval(count + "frames_default") == 0
    assert await pool.fetchval(count + "frames") == len(sent)
    await frames_of_a_run(node)
    assert await pool.fetchval(count + "frames_default") == 0


async def test_frames_past_their_retention_leave_the_default_partition_too(node: Node) -> None:
    pool = node.database.direct
    old = "00000000-0000-7000-8000-000000000000"
    await pool.execute("INSERT INTO verbatim.frames VALUES ($1, 1, 'x', true)", old)
    await prepare_frames(pool)
    assert await pool.fetchval("SELECT count(*) FROM verbatim.frames") == 0


async def test_chore_that_the_database_refuses_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runtime.upkeep.INTERVAL_SECONDS", 0.01)
    done: list[str] = []

    async def refused() -> None:
        done.append("refused")
        raise asyncpg.LockNotAvailableError("busy")

    async def allowed() -> None:
        done.append("allowed")

    async def in_use() -> None:
        return

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await keep_up((refused, allowed), in_use)
    assert done[:4] == ["refused", "allowed", "refused", "allowed"]
