"""The sealer steps over inbox rows that are sealed already, and over no other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests.log_node import append_to, log_node, new_stream

SEAL = "SELECT head FROM verbatim.seal(1000)"
FLOOR = "SELECT (current_setting('verbatim.inbox_floor')::bigint[])[1]"
LATE = "conversation-late"


async def test_append_that_commits_late_is_sealed_by_a_session_that_looked_past_it(
    database_url: str,
) -> None:
    async with (
        log_node(database_url, is_sealing=False) as node,
        sessions(database_url, 2) as opened,
    ):
        sealing, writing = opened
        await node.store.append(append_to(new_stream(), 0))
        transaction = writing.transaction()
        await transaction.start()
        await store_late(writing)
        # Nothing has ended since it began: a snapshot does not know of it yet.
        assert await sealing.fetchval(SEAL) == 1
        for head in range(2, 8):
            await node.store.append(append_to(new_stream(), 0))
            assert await sealing.fetchval(SEAL) == head
        await transaction.commit()
        assert await sealing.fetchval(SEAL) == 8
        log = await node.store.read_log(0)
        assert [event.position for event in log] == list(range(1, 9))
        assert log[-1].stream_id == LATE


async def test_session_steps_over_sealed_rows_that_a_snapshot_still_sees(database_url: str) -> None:
    async with (
        log_node(database_url, is_sealing=False) as node,
        sessions(database_url, 2) as opened,
    ):
        sealing, reading = opened
        async with reading.transaction(isolation="repeatable_read"):
            await reading.execute("SELECT FROM verbatim.inbox")
            for head in range(1, 6):
                await node.store.append(append_to(new_stream(), 0))
                assert await sealing.fetchval(SEAL) == head
            assert await sealing.fetchval(FLOOR) == 4


async def test_inbox_numbers_that_were_turned_back_hide_nothing(database_url: str) -> None:
    async with (
        log_node(database_url, is_sealing=False) as node,
        sessions(database_url, 1) as opened,
    ):
        for head in range(1, 6):
            await node.store.append(append_to(new_stream(), 0))
            assert await opened[0].fetchval(SEAL) == head
        await node.pool.execute("SELECT setval('verbatim.inbox_inbox_id_seq', 1)")
        await node.store.append(append_to(new_stream(), 0))
        assert await opened[0].fetchval(SEAL) == 6


async def test_event_that_the_inbox_names_and_nobody_stored_is_an_error(database_url: str) -> None:
    async with log_node(database_url, is_sealing=False) as node:
        await node.pool.execute(
            "INSERT INTO verbatim.inbox (stream_ids, first_versions, last_versions, owner_ids) "
            "VALUES (array['conversation-lost'], array[1], array[2], array['ada'])"
        )
        with pytest.raises(asyncpg.DataCorruptedError, match="names 2 events after position 0"):
            await node.sealer.seal()
        assert await node.pool.fetchval("SELECT count(*) FROM verbatim.inbox") == 1


async def store_late(writing: asyncpg.Connection) -> None:
    """As an append does it: the head is locked before the inbox number is taken."""
    await writing.execute(
        "INSERT INTO verbatim.heads (stream_id, version, appended, owner_id) "
        "VALUES ($1, 1, 1, 'ada')",
        LATE,
    )
    await writing.execute(
        "INSERT INTO verbatim.inbox (stream_ids, first_versions, last_versions, owner_ids) "
        "VALUES (array[$1], array[1], array[1], array['ada'])",
        LATE,
    )
    await writing.execute(
        "INSERT INTO verbatim.events SELECT $1, 1, event_id, topic, schema_version, state, "
        "owner_id, metadata FROM verbatim.events",
        LATE,
    )


@asynccontextmanager
async def sessions(url: str, count: int) -> AsyncIterator[list[asyncpg.Connection]]:
    opened = [await asyncpg.connect(url) for _ in range(count)]
    try:
        yield opened
    finally:
        for connection in opened:
            await connection.close()
