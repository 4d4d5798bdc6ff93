"""A subscription catches up and follows, whatever becomes of its connections and its server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from events.stored import StoredEvent
from events.subscription import subscribe
from runtime.migrations import migrate
from tests.databases import execute, make_template
from tests.hurrying import hurried
from tests.integration.runtime.between import Wire, wire
from tests.log_node import LogNode, append_to, log_node, new_stream
from tests.ports import free_port
from tests.private_servers import VERSIONS, PrivateServer, private_server, run, stopped_server

#: What is acknowledged is there again when the server is.
DURABLE = {"synchronous_commit": "on"}
WAIT_SECONDS = 30.0
AWAY_SECONDS = 2.0
#: Between two appends to a stream.
PAUSE_SECONDS = 0.005
LISTENING = "query LIKE '%AS unsealed%' AND pid <> pg_backend_pid()"
KILL = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1"


class Follower:
    def __init__(self, node: LogNode) -> None:
        self._node = node
        self.positions: list[int | None] = []

    async def follow(self) -> None:
        async for batch in subscribe(self._node.store, self._node.signal, 0, limit=7):
            self.positions += [event.position for event in batch]

    async def has_seen(self, events: int) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.positions) < events:
                await asyncio.sleep(0.01)
        assert self.positions == list(range(1, len(self.positions) + 1))

    async def has_seen_all(self, events: int) -> None:
        await self.has_seen(events)
        assert len(self.positions) == events


@asynccontextmanager
async def following(node: LogNode) -> AsyncIterator[Follower]:
    follower = Follower(node)
    task = asyncio.create_task(follower.follow())
    try:
        yield follower
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def append_forever(node: LogNode, stored: list[int], is_over: asyncio.Event) -> None:
    stream, version = new_stream(), 0
    while not is_over.is_set():
        await node.store.append(append_to(stream, version))
        version += 1
        stored[0] += 1
        await asyncio.sleep(PAUSE_SECONDS)


@pytest.fixture(params=VERSIONS, ids=lambda version: f"postgresql-{version}")
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PrivateServer]:
    with private_server(tmp_path / "primary", request.param, DURABLE) as server:
        yield server


async def test_tailing_reader_sees_every_event_once(database_url: str) -> None:
    async with log_node(database_url) as writer, log_node(database_url) as reader:
        seen: list[StoredEvent] = []

        async def tail() -> None:
            async for batch in subscribe(reader.store, reader.signal, 0, limit=7):
                seen.extend(batch)
                if len(seen) >= 200:
                    return

        tailing = asyncio.create_task(tail())

        async def write(stream: str) -> None:
            for version in range(5):
                await writer.store.append(append_to(stream, version))

        await asyncio.gather(*(write(new_stream()) for _ in range(40)))
        async with asyncio.timeout(10):
            await tailing
        assert [e.position for e in seen] == list(range(1, 201))


async def test_subscription_survives_lost_connections(database_url: str) -> None:
    async with log_node(database_url) as node:
        seen: list[int | None] = []

        async def tail() -> None:
            async for batch in subscribe(node.store, node.signal, 0):
                seen.extend(event.position for event in batch)
                if len(seen) >= 2:
                    return

        tailing = asyncio.create_task(tail())
        await node.store.append(append_to(new_stream(), 0))
        async with asyncio.timeout(5):
            while not seen:
                await asyncio.sleep(0.01)
        killer = await asyncpg.connect(database_url)
        await killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
        await killer.close()
        await node.store.append(append_to(new_stream(), 0))
        async with asyncio.timeout(10):
            await tailing
        assert seen == [1, 2]


async def test_subscription_survives_a_dropped_listen_connection(database_url: str) -> None:
    name = database_url.partition("@/")[2].partition("?")[0]
    async with log_node(database_url) as writer, log_node(database_url) as reader:
        async with following(reader) as follower:
            await writer.store.append(append_to(new_stream(), 0))
            await follower.has_seen(1)
            killer = await asyncpg.connect(database_url)
            for expected in range(2, 5):
                async with asyncio.timeout(WAIT_SECONDS):
                    while not reader.listener.is_listening:
                        await asyncio.sleep(0.01)
                assert await killer.fetchval(f"{KILL} AND {LISTENING}", name) > 0
                await writer.store.append(append_to(new_stream(), 0))
                await follower.has_seen(expected)
            await killer.close()


async def test_subscription_that_waits_sends_nothing(database_url: str) -> None:
    """An hour of the loop's timers in two seconds, watched by the server."""
    async with log_node(database_url) as node, following(node) as follower:
        await node.store.append(append_to(new_stream(), 0))
        await follower.has_seen(1)
        observer = await asyncpg.connect(database_url)
        query = (
            "SELECT pid, query_start, state_change FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await asyncio.sleep(0.2)
        before = {row["pid"]: row for row in await observer.fetch(query)}
        with hurried(1800):
            await asyncio.sleep(3600)
        after = {row["pid"]: row for row in await observer.fetch(query)}
        await observer.close()
        assert {pid: before.get(pid) for pid in after} == after


async def test_subscription_survives_a_restart_of_the_server(server: PrivateServer) -> None:
    template = await asyncio.to_thread(make_template, server, migrate)
    url = server.url_of(template)
    async with log_node(url) as writer, log_node(url) as reader, following(reader) as follower:
        stored, is_over = [0], asyncio.Event()
        appending = [asyncio.create_task(append_forever(writer, stored, is_over)) for _ in range(4)]
        await follower.has_seen(20)
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        await follower.has_seen(stored[0] + 20)
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(AWAY_SECONDS)
        await asyncio.to_thread(server.start)
        await follower.has_seen(stored[0] + 20)
        is_over.set()
        await asyncio.gather(*appending)
        await follower.has_seen_all(stored[0])


async def test_server_that_is_away_is_asked_now_and_then(server: PrivateServer) -> None:
    template = await asyncio.to_thread(make_template, server, migrate)
    async with wire(server.url_of(template), free_port()) as (carrier, url):
        await carrier.mend()
        async with log_node(url) as node, following(node) as follower:
            await node.store.append(append_to(new_stream(), 0))
            await follower.has_seen(1)
            await carrier.cut()
            attempts: list[object] = []
            refusing = await asyncio.start_server(
                lambda _, writer: (attempts.append(writer), writer.transport.abort()),
                "127.0.0.1",
                carrier.port,
            )
            await asyncio.sleep(AWAY_SECONDS)
            refusing.close()
            await refusing.wait_closed()
            assert 0 < len(attempts) < 20 * AWAY_SECONDS
            await carrier.mend()
            await node.store.append(append_to(new_stream(), 0))
            await follower.has_seen(2)


async def test_subscription_survives_a_fail_over(server: PrivateServer, tmp_path: Path) -> None:
    template = await asyncio.to_thread(make_template, server, migrate)
    with stopped_server(tmp_path / "standby", server.version, DURABLE) as standby:
        await asyncio.to_thread(become_standby, standby, server)
        await replicate_synchronously(server)
        async with wire(server.url_of(template), free_port()) as (carrier, url):
            await carrier.mend()
            async with log_node(url) as writer, log_node(url) as reader:
                async with following(reader) as follower:
                    stored, is_over = [0], asyncio.Event()
                    appending = [
                        asyncio.create_task(append_forever(writer, stored, is_over))
                        for _ in range(4)
                    ]
                    await follower.has_seen(20)
                    await fail_over(server, standby, carrier)
                    await follower.has_seen(stored[0] + 20)
                    is_over.set()
                    await asyncio.gather(*appending)
                    await follower.has_seen_all(stored[0])


def become_standby(standby: PrivateServer, primary: PrivateServer) -> None:
    run(
        standby.cluster,
        "pg_basebackup",
        f"--pgdata={standby.cluster.path}",
        f"--dbname=host={primary.socket_dir} port={primary.port} user=verbatim",
        "--write-recovery-conf",
        "--checkpoint=fast",
        "--no-sync",
        PGPASSWORD=primary.password,
    )
    standby.password = primary.password
    standby.launch()


async def replicate_synchronously(primary: PrivateServer) -> None:
    """A fail-over loses what was acknowledged unless the standby has it by then."""
    await execute(primary.url, "ALTER SYSTEM SET synchronous_standby_names = '*'")
    await execute(primary.url, "SELECT pg_reload_conf()")
    watcher = await asyncpg.connect(primary.url)
    async with asyncio.timeout(WAIT_SECONDS):
        while not await watcher.fetch(
            "SELECT FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'"
        ):
            await asyncio.sleep(0.05)
    await watcher.close()


async def fail_over(primary: PrivateServer, standby: PrivateServer, carrier: Wire) -> None:
    await asyncio.to_thread(primary.kill)
    await carrier.cut()
    await execute(standby.url, "SELECT pg_promote()")
    carrier.socket_path = standby.socket_path
    await carrier.mend()
