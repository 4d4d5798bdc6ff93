from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events import conversation as c
from events.ids import new_id
from events.stored import StoredEvent
from projections import statements
from projections.batches import Batches
from projections.generations import Generation, definition, live_generation
from projections.projector import SILENCE_SECONDS, Projector
from projections.reading import PATIENCE_SECONDS
from projections.status import read_status
from runtime.embedded import EmbeddedServer
from tests.databases import cloned
from tests.integration.projections.read_node import ReadNode, eventually, projecting, read_node
from tests.log_node import new_stream
from tests.unit.projections.histories import Step, histories, posted, requested


async def live(node: ReadNode) -> Generation:
    found = await live_generation(node.pool, definition())
    assert found is not None
    return found


async def post_messages(node: ReadNode, conversations: int = 1) -> int:
    """Answers how many events that are."""
    for _ in range(conversations):
        run_id = str(new_id())
        await node.append(new_stream(), 0, c.Started(), posted("m1"), requested(run_id, "m1"))
    return conversations * 3


async def count_conversations(node: ReadNode, generation: Generation) -> int:
    query = f"SELECT count(*) FROM {generation.schema}.conversations"
    count: int = await node.pool.fetchval(query)
    return count


async def test_projector_keeps_up_and_reports(database_url: str) -> None:
    batches: list[tuple[int, float]] = []
    async with read_node(database_url, is_projecting=False) as node:
        projector = Projector(
            node.pool,
            node.log.store,
            node.log.signal,
            on_batch=lambda events, lag_seconds: batches.append((events, lag_seconds)),
        )
        assert projector.status.state == "stopped"
        async with projecting(projector):
            events = await post_messages(node, 3)
            await eventually(lambda: projector.status.position == events)
            assert (projector.status.state, projector.status.last_error) == ("running", None)
        assert sum(events for events, _ in batches) == events
        assert all(0 <= lag_seconds < 60 for _, lag_seconds in batches)
        assert projector.progress.head == events
        assert projector.status.state == "stopped"


async def test_rows_and_checkpoint_commit_together(database_url: str) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        await post_messages(node)
        await node.seal()
        generation = await live(node)
        await node.pool.execute(f"DROP TABLE {generation.schema}.thread_items")
        with pytest.raises(asyncpg.UndefinedTableError):
            await Batches(node.pool, node.log.keys).apply(
                generation, await node.log.store.read_log(0)
            )
        assert await node.position_of(generation.number) == 0
        assert await count_conversations(node, generation) == 0


async def test_batch_that_was_applied_already_is_refused(database_url: str) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        await post_messages(node)
        await node.seal()
        stored = await node.log.store.read_log(0)
        generation = await live(node)
        batches = Batches(node.pool, node.log.keys)
        assert await batches.apply(generation, stored) is not None
        before = await node.all_rows(generation)
        assert await batches.apply(generation, stored) is None
        assert await node.all_rows(generation) == before


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=histories(max_actions=80), batch_events=st.integers(1, 40))
async def test_rows_kept_up_equal_rows_rebuilt(
    postgres: EmbeddedServer,
    template_database: str,
    history: list[Step],
    batch_events: int,
) -> None:
    async with (
        cloned(postgres, template_database) as url,
        read_node(url, is_projecting=False) as node,
    ):
        projector = Projector(node.pool, node.log.store, node.log.signal, batch_events=batch_events)
        async with projecting(projector):
            await node.append_all(history)
            await node.seal()
            await eventually(lambda: projector.status.position == len(history))
        kept_up = await live(node)
        rebuilt = await node.builder.rebuild()
        assert rebuilt.number != kept_up.number
        assert await node.pool.fetchval("SELECT count(*) FROM verbatim.parked") == 0
        rows = await node.all_rows(kept_up)
        assert rows
        assert await node.all_rows(rebuilt) == rows


async def test_projectors_racing_on_one_generation_apply_everything_once(
    database_url: str,
) -> None:
    async with (
        read_node(database_url, is_projecting=False) as one,
        read_node(database_url, is_projecting=False) as two,
    ):
        racers = [
            Projector(n.pool, n.log.store, n.log.signal, batch_events=size)
            for n, size in ((one, 3), (two, 5), (one, 1))
        ]
        async with projecting(*racers):
            written = await asyncio.gather(*(post_messages(node, 30) for node in (one, two)))
            await one.seal()
            await eventually(lambda: all(racer.status.position == sum(written) for racer in racers))
        kept_up = await live(one)
        assert await one.pool.fetchval("SELECT count(*) FROM verbatim.parked") == 0
        rows = await one.all_rows(kept_up)
        assert await count_conversations(one, kept_up) == 60
        assert await one.all_rows(await one.builder.rebuild()) == rows


async def test_another_node_goes_on_when_one_is_killed_in_its_transaction(
    database_url: str,
) -> None:
    async with (
        read_node(database_url, is_projecting=False) as one,
        read_node(database_url) as two,
    ):
        generation = await live(one)
        victim = await asyncpg.connect(database_url)
        transaction = victim.transaction()
        await transaction.start()
        await victim.execute(
            "UPDATE verbatim.generations SET position = 2 WHERE generation = $1",
            generation.number,
        )
        events = await post_messages(one)
        await one.seal()
        await asyncio.sleep(0.2)
        assert two.projector.status.position == 0
        pid = victim.get_server_pid()
        await one.pool.execute("SELECT pg_terminate_backend($1)", pid)
        await eventually(lambda: two.projector.status.position == events)
        assert await count_conversations(one, generation) == 1
        victim.terminate()


async def test_projector_survives_the_loss_of_its_connections(database_url: str) -> None:
    async with read_node(database_url) as node:
        events = 0
        for _ in range(5):
            events += await post_messages(node, 2)
            await _cut_all_other_connections(database_url)
        await eventually(lambda: node.projector.status.position == events)
        assert node.projector.status.state == "running"
        await eventually(lambda: node.projector.status.last_error is None)


async def test_silent_holder_of_the_checkpoint_loses_it(database_url: str) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        events = await post_messages(node)
        await node.seal()
        generation = await live(node)
        silent = await asyncpg.connect(database_url)
        await silent.transaction().start()
        claim = statements.load("claim_position")
        assert await silent.fetchrow(claim, generation.number, 0, events, "300")
        async with asyncio.timeout(10):
            stored = await node.log.store.read_log(0)
            assert await Batches(node.pool, node.log.keys).apply(generation, stored)
        assert await count_conversations(node, generation) == 1
        silent.terminate()


async def test_reader_gets_what_a_node_that_stalls_in_its_transaction_holds_up(
    database_url: str,
) -> None:
    assert SILENCE_SECONDS < PATIENCE_SECONDS
    async with read_node(database_url, patience_seconds=10) as node:
        generation = await live(node)
        stalled = await asyncpg.connect(database_url)
        await stalled.transaction().start()
        claim, timeout = statements.load("claim_position"), str(int(SILENCE_SECONDS * 1000))
        assert await stalled.fetchrow(claim, generation.number, 0, 1, timeout)
        stream_id = new_stream()
        await node.append(stream_id, 0, c.Started())
        assert await node.reads.conversation("ada", c.id_of(stream_id)) is not None
        stalled.terminate()


async def test_node_that_is_too_slow_for_a_batch_takes_smaller_ones(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    apply = Batches.apply

    async def apply_few(
        self: Batches, generation: Generation, stored: Sequence[StoredEvent]
    ) -> Generation | None:
        sizes.append(len(stored))
        if len(stored) > 4:
            raise asyncpg.IdleInTransactionSessionTimeoutError("it took too long")
        return await apply(self, generation, stored)

    monkeypatch.setattr(Batches, "apply", apply_few)
    async with read_node(database_url, is_projecting=False) as node:
        events = await post_messages(node, 6)
        await node.seal()
        projector = Projector(node.pool, node.log.store, node.log.signal, batch_events=16)
        async with projecting(projector):
            await eventually(lambda: projector.status.position == events)
            assert projector.status.last_error is None
    assert sizes[:3] == [16, 8, 4]


async def test_projector_without_a_generation_waits_for_one(database_url: str) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        await node.pool.execute("UPDATE verbatim.generations SET state = 'standby'")
        async with projecting(node.projector):
            await eventually(lambda: node.projector.status.last_error is not None)
            assert "verbatim db migrate" in (node.projector.status.last_error or "")
            await node.pool.execute("UPDATE verbatim.generations SET state = 'live'")
            await eventually(lambda: node.projector.status.last_error is None)
            events = await post_messages(node)
            await eventually(lambda: node.projector.status.position == events)


@pytest.mark.parametrize(
    ("topic", "schema_version"),
    [("conversation.from_the_future", 1), ("conversation.started", 99)],
)
async def test_log_newer_than_the_release_stops_the_projector_and_parks_nothing(
    database_url: str, topic: str, schema_version: int
) -> None:
    async with read_node(database_url) as node:
        events = await post_messages(node)
        await node.seal()
        await append_foreign(node.pool, topic, schema_version)
        await node.seal()
        await eventually(lambda: node.projector.status.state == "blocked")
        assert node.projector.status.position == events
        assert "the log is newer than this release" in (node.projector.status.last_error or "")
        assert await node.pool.fetchval("SELECT count(*) FROM verbatim.parked") == 0
        await eventually(lambda: _says_newer(node))


async def _says_newer(node: ReadNode) -> bool:
    """As `verbatim projections status` shows it."""
    (status,) = await read_status(node.pool)
    return "the log is newer than this release" in (status.last_error or "")


async def append_foreign(pool: asyncpg.Pool, topic: str, schema_version: int) -> None:
    """What a newer release would write."""
    stream_id = new_stream()
    await pool.execute(
        """INSERT INTO verbatim.events (stream_id, stream_version, event_id, topic, schema_version,
            state, owner_id, metadata) VALUES ($1, 1, $2, $3, $4, '', 'ada', '{}')""",
        stream_id,
        new_id(),
        topic,
        schema_version,
    )
    await pool.execute(
        "INSERT INTO verbatim.inbox (stream_ids, first_versions, last_versions, owner_ids) "
        "VALUES (ARRAY[$1], '{1}', '{1}', '{ada}')",
        stream_id,
    )


async def _cut_all_other_connections(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()


async def test_projector_does_not_poll_for_events_that_a_fail_over_lost(database_url: str) -> None:
    """The node has heard of a position that the log of the new server does not reach."""
    sessions = (
        "SELECT pid, query_start FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY pid"
    )
    async with read_node(database_url) as node:
        await post_messages(node)
        await eventually(lambda: node.projector.status.position == 3)
        node.log.signal.advance(10)
        await asyncio.sleep(0.2)
        observer = await asyncpg.connect(database_url)
        before = await observer.fetch(sessions)
        await asyncio.sleep(0.2)
        assert await observer.fetch(sessions) == before
        await observer.close()
