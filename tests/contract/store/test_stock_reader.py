"""The `eventsourcing` library's PostgresApplicationRecorder reads our log as it grows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import asyncpg
import pytest
from eventsourcing.persistence import Notification, ProgrammingError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder

from events import stored
from events.conversation import Renamed, Started
from tests.contract.eventsourcing.stock_reader import select_only_role, stock_recorder
from tests.log_node import LogNode, append_to, log_node, new_stream


@dataclass
class Reading:
    node: LogNode
    recorder: PostgresApplicationRecorder

    async def select(self, question: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """The library blocks, so it is asked in a thread."""
        return await asyncio.to_thread(question, *arguments, **named)


@asynccontextmanager
async def reading(url: str, *, is_sealing: bool = True) -> AsyncIterator[Reading]:
    async with (
        log_node(url, is_sealing=is_sealing) as node,
        select_only_role(node.pool) as (role, password),
    ):
        with stock_recorder(url, role, password) as recorder:
            yield Reading(node, recorder)


def as_stock_event(event: stored.StoredEvent) -> StoredEvent:
    return StoredEvent(event.stream_id, event.stream_version, event.topic, event.state)


def as_notification(event: stored.StoredEvent) -> Notification:
    assert event.position is not None
    return Notification(**vars(as_stock_event(event)), id=event.position)


async def test_stock_recorder_selects_the_events_of_a_stream(database_url: str) -> None:
    async with reading(database_url) as stock:
        stream, other = new_stream(), new_stream()
        await stock.node.store.append(append_to(stream, 0, Started(), *[Renamed(title="t")] * 3))
        await stock.node.store.append(append_to(other, 0))
        await stock.node.sealer.seal()
        ours = [as_stock_event(e) for e in await stock.node.store.read_log(0)][:4]
        select = stock.recorder.select_events
        assert await stock.select(select, stream) == ours
        assert await stock.select(select, stream, gt=1, lte=3) == ours[1:3]
        assert await stock.select(select, stream, desc=True, limit=2) == ours[:1:-1]
        assert [e.originator_version for e in await stock.select(select, other)] == [1]
        assert await stock.select(select, new_stream()) == []


async def test_stock_recorder_selects_notifications(database_url: str) -> None:
    async with reading(database_url) as stock:
        select = stock.recorder.select_notifications
        assert await stock.select(stock.recorder.max_notification_id) is None
        assert await stock.select(select, None, 10) == []
        for _ in range(3):
            await stock.node.store.append(append_to(new_stream(), 0, Started(), Renamed(title="t")))
        await stock.node.sealer.seal()
        ours = [as_notification(e) for e in await stock.node.store.read_log(0)]
        assert [n.id for n in ours] == [1, 2, 3, 4, 5, 6]
        assert await stock.select(select, None, 10) == ours
        assert await stock.select(select, 2, 10, 4) == ours[1:4]
        assert await stock.select(select, 2, 2, inclusive_of_start=False) == ours[2:4]
        renamed = await stock.select(select, 1, 10, topics=[Renamed.topic])
        assert renamed == [n for n in ours if n.topic == "conversation.renamed"]
        assert await stock.select(stock.recorder.max_notification_id) == 6


async def test_stock_recorder_tails_the_log_while_it_is_appended_to(database_url: str) -> None:
    async with reading(database_url) as stock:
        streams = [new_stream() for _ in range(30)]
        seen: list[Notification] = []
        has_seen_some = asyncio.Event()

        async def tail() -> None:
            last = 0
            while last < len(streams) * 6:
                page = await stock.select(
                    stock.recorder.select_notifications, last, 7, inclusive_of_start=False
                )
                if page:
                    seen.extend(page)
                    last = page[-1].id
                    has_seen_some.set()
                    assert await stock.select(stock.recorder.max_notification_id) >= last

        async def write(stream: str) -> None:
            for version in range(0, 6, 2):
                first = Renamed(title="on") if version else Started()
                await stock.node.store.append(append_to(stream, version, first, Renamed(title="t")))
                await has_seen_some.wait()

        async with asyncio.timeout(30):
            await asyncio.gather(tail(), *(write(stream) for stream in streams))
        assert [n.id for n in seen] == list(range(1, 181))
        assert seen == [as_notification(e) for e in await stock.node.store.read_log(0)]


async def test_stock_subscription_follows_the_log(database_url: str) -> None:
    async with reading(database_url) as stock:
        await stock.node.store.append(append_to(new_stream(), 0))
        await stock.node.sealer.seal()
        heard: list[int] = []
        subscription = stock.recorder.subscribe(gt=None)

        def follow() -> None:
            with subscription:
                heard.extend(n.id for n in islice(subscription, 5))

        following = asyncio.create_task(asyncio.to_thread(follow))
        try:
            async with asyncio.timeout(15):
                # The library reads before it listens, so a single append might go unnoticed.
                while not following.done():
                    await stock.node.store.append(append_to(new_stream(), 0))
                    await asyncio.sleep(0.02)
                await following
        finally:
            subscription.stop()
        assert heard == [1, 2, 3, 4, 5]


async def test_stock_recorder_sees_sealed_events_only(database_url: str) -> None:
    async with reading(database_url, is_sealing=False) as stock:
        sealed, stream = new_stream(), new_stream()
        await stock.node.store.append(append_to(sealed, 0))
        await stock.node.sealer.seal()
        await stock.node.store.append(append_to(sealed, 1))
        await stock.node.store.append(append_to(stream, 0))
        select = stock.recorder.select_events
        assert [e.originator_version for e in await stock.select(select, sealed)] == [1]
        assert await stock.select(select, stream) == []
        assert await stock.select(stock.recorder.max_notification_id) == 1
        await stock.node.sealer.seal()
        assert [e.originator_version for e in await stock.select(select, sealed)] == [1, 2]
        assert await stock.select(stock.recorder.max_notification_id) == 3


async def test_stock_recorder_reads_content_encrypted(database_url: str) -> None:
    async with reading(database_url) as stock:
        await stock.node.store.append(append_to(new_stream(), 0, Started(title="a secret title")))
        await stock.node.sealer.seal()
        (notification,) = await stock.select(stock.recorder.select_notifications, 1, 1)
        assert b"secret" not in notification.state
        (recorded,) = await stock.node.store.decode(await stock.node.store.read_log(0))
        assert recorded.event == Started(title="a secret title")


async def test_stock_recorder_can_change_nothing(database_url: str) -> None:
    async with reading(database_url) as stock:
        stream = new_stream()
        await stock.node.store.append(append_to(stream, 0))
        await stock.node.sealer.seal()
        forged = StoredEvent(stream, 2, "conversation.renamed", b"")
        with pytest.raises(ProgrammingError, match="permission denied"):
            await stock.select(stock.recorder.create_table)
        with pytest.raises(ProgrammingError):
            await stock.select(stock.recorder.insert_events, [forged])
        assert len(await stock.select(stock.recorder.select_events, stream)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO verbatim.stored_events (originator_id, originator_version, notification_id) "
        "VALUES ('conversation-forged', 1, 2)",
        "UPDATE verbatim.stored_events SET originator_version = 2",
        "DELETE FROM verbatim.stored_events",
        "SELECT * FROM verbatim.events",
        "SELECT * FROM verbatim.log",
        "SELECT * FROM verbatim.inbox",
        "SELECT * FROM verbatim.data_keys",
    ],
)
async def test_role_of_the_view_may_select_from_it_and_nothing_else(
    database_url: str, statement: str
) -> None:
    async with (
        log_node(database_url) as node,
        select_only_role(node.pool) as (role, password),
    ):
        await node.store.append(append_to(new_stream(), 0))
        await node.sealer.seal()
        reader = await asyncpg.connect(database_url, user=role, password=password)
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await reader.execute(statement)
            assert await reader.fetchval("SELECT count(*) FROM verbatim.stored_events") == 1
        finally:
            await reader.close()


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        (
            "INSERT INTO verbatim.stored_events (originator_id, originator_version, "
            "notification_id) VALUES ('conversation-forged', 1, 2)",
            asyncpg.NotNullViolationError,
        ),
        (
            "UPDATE verbatim.stored_events SET originator_version = 2",
            asyncpg.RestrictViolationError,
        ),
        ("DELETE FROM verbatim.stored_events", asyncpg.RestrictViolationError),
    ],
    ids=["insert", "update", "delete"],
)
async def test_view_lets_not_even_its_owner_change_the_log(
    database_url: str, statement: str, error: type[Exception]
) -> None:
    async with log_node(database_url) as node:
        await node.store.append(append_to(new_stream(), 0))
        await node.sealer.seal()
        with pytest.raises(error):
            await node.pool.execute(statement)
        assert await node.pool.fetchval("SELECT count(*) FROM verbatim.log") == 1


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT max(notification_id) FROM verbatim.stored_events",
        "SELECT * FROM verbatim.stored_events WHERE notification_id > 100 "
        "ORDER BY notification_id LIMIT 10",
        "SELECT * FROM verbatim.stored_events WHERE originator_id = 'user-ada' "
        "ORDER BY originator_version DESC LIMIT 1",
    ],
    ids=["max_notification_id", "select_notifications", "select_events"],
)
async def test_stock_statements_walk_an_index_and_no_table(
    database_url: str, statement: str
) -> None:
    async with log_node(database_url) as node:
        for _ in range(20):
            await node.store.append(append_to(new_stream(), 0, *[Started()] * 100))
        await node.sealer.seal()
        await node.pool.execute("ANALYZE verbatim.log, verbatim.events")
        plan = "\n".join(row[0] for row in await node.pool.fetch(f"EXPLAIN {statement}"))
        assert "Seq Scan" not in plan
        assert "Join" not in plan
        assert "Index" in plan
        assert "Limit" in plan
