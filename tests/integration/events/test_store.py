from __future__ import annotations

import asyncio
import uuid

import asyncpg
import pytest

from events import codec
from events.conversation import Renamed, Started, UserMessagePosted
from events.errors import (
    ContentErased,
    IdempotencyMismatch,
    UnknownTopic,
    UserErased,
    VersionConflict,
)
from tests.log_node import append_to, log_node, new_stream


async def test_append_stores_events_that_read_back(database_url: str) -> None:
    async with log_node(database_url) as node:
        stream = new_stream()
        posted = UserMessagePosted(message_id="m", text="Grüße ✓")
        appended = await node.store.append(append_to(stream, 0, Started(title="t"), posted))
        assert (appended.first_version, appended.last_version) == (1, 2)
        recorded = await node.store.read_stream(stream)
        assert [r.event for r in recorded] == [Started(title="t"), posted]
        assert [r.stream_version for r in recorded] == [1, 2]
        assert recorded[0].recorded_at.tzinfo is not None
        assert recorded[0].metadata["actor"] == "user:ada"
        backwards = await node.store.read_stream_backwards(stream, 1)
        assert [r.event for r in backwards] == [posted]


async def test_append_with_wrong_version_stores_nothing_and_says_both_versions(
    database_url: str,
) -> None:
    async with log_node(database_url) as node:
        stream = new_stream()
        await node.store.append(append_to(stream, 0))
        for expected in (0, 2, 7):
            with pytest.raises(VersionConflict) as caught:
                await node.store.append(append_to(stream, expected))
            assert (caught.value.expected, caught.value.actual) == (expected, 1)
            assert stream in str(caught.value)
        with pytest.raises(VersionConflict):
            await node.store.append(append_to(new_stream(), 3))
        assert len(await node.store.read_stream(stream)) == 1


async def test_concurrent_appends_at_one_version_have_one_winner(database_url: str) -> None:
    async with log_node(database_url) as one, log_node(database_url) as two:
        stream = new_stream()
        await one.store.append(append_to(stream, 0))
        attempts = [
            node.store.append(append_to(stream, 1, Renamed(title=str(n))))
            for n in range(20)
            for node in (one, two)
        ]
        outcomes = await asyncio.gather(*attempts, return_exceptions=True)
        winners = [o for o in outcomes if not isinstance(o, BaseException)]
        assert len(winners) == 1
        assert all(isinstance(o, VersionConflict) for o in outcomes if o not in winners)
        assert len(await one.store.read_stream(stream)) == 2


async def test_conflicting_append_in_a_group_fails_alone(database_url: str) -> None:
    async with log_node(database_url) as node:
        taken = new_stream()
        await node.store.append(append_to(taken, 0))
        outcomes = await asyncio.gather(
            *(node.store.append(append_to(new_stream(), 0)) for _ in range(10)),
            node.store.append(append_to(taken, 0)),
            *(node.store.append(append_to(new_stream(), 0)) for _ in range(10)),
            return_exceptions=True,
        )
        assert [isinstance(o, BaseException) for o in outcomes].count(True) == 1
        assert isinstance(outcomes[10], VersionConflict)


async def test_append_to_several_streams_is_all_or_nothing(database_url: str) -> None:
    async with log_node(database_url) as node:
        fresh, taken, other = new_stream(), new_stream(), new_stream()
        await node.store.append(append_to(taken, 0))
        with pytest.raises(VersionConflict):
            await node.store.append_all([append_to(fresh, 0), append_to(taken, 0)])
        assert await node.store.read_stream(fresh) == []
        done = await node.store.append_all([append_to(other, 0), append_to(taken, 1)])
        assert [a.last_version for a in done] == [1, 2]


async def test_idempotency_key_brings_the_stored_outcome_back(database_url: str) -> None:
    async with log_node(database_url) as node:
        stream = new_stream()

        async def send() -> tuple[int, int]:
            outcome = await node.store.append(
                append_to(stream, 0, Started(), idempotency_key="k", request_body=b"body")
            )
            return outcome.first_version, outcome.last_version

        outcomes = await asyncio.gather(*(send() for _ in range(50)))
        assert set(outcomes) == {(1, 1)}
        assert len(await node.store.read_stream(stream)) == 1
        with pytest.raises(IdempotencyMismatch):
            await node.store.append(
                append_to(stream, 0, Started(), idempotency_key="k", request_body=b"other")
            )


async def test_idempotency_key_is_refused_at_a_later_version_too(database_url: str) -> None:
    async with log_node(database_url) as node:
        stream = new_stream()
        first = append_to(stream, 0, idempotency_key="k", request_body=b"body")
        await node.store.append(first)
        again = append_to(stream, 1, idempotency_key="k", request_body=b"body")
        assert (await node.store.append(again)).is_replay
        assert len(await node.store.read_stream(stream)) == 1


async def test_cancelled_request_does_not_cancel_its_append(database_url: str) -> None:
    async with log_node(database_url) as node:
        stream = new_stream()
        await node.store.append(append_to(new_stream(), 0))
        request = asyncio.create_task(node.store.append(append_to(stream, 0)))
        while not node.commits.depth and not request.done():
            await asyncio.sleep(0)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        await node.store.append(append_to(new_stream(), 0))
        async with asyncio.timeout(5):
            while not await node.store.read_stream(stream):
                await asyncio.sleep(0.01)


async def test_connection_killed_under_load_loses_and_repeats_nothing(database_url: str) -> None:
    async with log_node(database_url) as node:
        killer = await asyncpg.connect(database_url)
        streams = [new_stream() for _ in range(150)]

        async def write(stream: str) -> None:
            for version in range(4):
                await node.store.append(append_to(stream, version))

        async def kill() -> None:
            for _ in range(12):
                await killer.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND datname = current_database() "
                    "AND query LIKE '%verbatim.heads AS h%'"
                )
                await asyncio.sleep(0.01)

        await asyncio.gather(kill(), *(write(stream) for stream in streams))
        await killer.close()
        for stream in streams:
            recorded = await node.store.read_stream(stream)
            assert [r.stream_version for r in recorded] == [1, 2, 3, 4]


async def test_erased_key_refuses_appends_and_leaves_events_unreadable(database_url: str) -> None:
    async with log_node(database_url) as node:
        stream = new_stream()
        await node.store.append(append_to(stream, 0))
        await node.pool.execute("DELETE FROM verbatim.data_keys WHERE owner_id = 'ada'")
        with pytest.raises(UserErased):
            await node.store.append(append_to(stream, 1))
        with pytest.raises(ContentErased):
            await node.store.read_stream(stream)


async def test_content_is_not_readable_in_the_database(database_url: str) -> None:
    async with log_node(database_url) as node:
        stream = new_stream()
        await node.store.append(append_to(stream, 0, Started(title="a secret title")))
        row = await node.pool.fetchrow("SELECT events::text FROM verbatim.events")
        assert "secret" not in row[0]
        state = await node.pool.fetchval("SELECT state FROM verbatim.events")
        assert b"secret" not in state


async def test_state_moved_to_another_place_does_not_decrypt(database_url: str) -> None:
    async with log_node(database_url) as node:
        stream = new_stream()
        await node.store.append(append_to(stream, 0, Started(title="a")))
        await node.sealer.seal()
        (stored,) = await node.store.read_log(0)
        keys = await node.keys.load(codec.key_ids_of([stored]))
        moved = type(stored)(
            new_stream(),
            1,
            stored.event_id,
            stored.topic,
            1,
            stored.state,
            "ada",
            stored.metadata,
            stored.recorded_at,
            9,
        )
        with pytest.raises(Exception, match=r"position 9.*does not decrypt"):
            codec.decode(moved, keys)


async def test_unknown_topic_is_a_named_error(database_url: str) -> None:
    async with log_node(database_url) as node:
        stream = new_stream()
        await node.store.append(append_to(stream, 0))
        await node.pool.execute(
            "INSERT INTO verbatim.events SELECT stream_id, 2, $1, 'conversation.sung', 1, state, "
            "owner_id, metadata, recorded_at FROM verbatim.events",
            uuid.uuid4(),
        )
        with pytest.raises(UnknownTopic, match=r"conversation\.sung"):
            await node.store.read_stream(stream)


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
