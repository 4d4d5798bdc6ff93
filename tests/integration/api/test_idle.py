"""A node that nobody uses lets its database sleep, and is there at once when it is used again."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from agents import Model
from fastapi import FastAPI

from agent.offline.model import OfflineModel
from api.app import create_app
from runtime.migrations import migrate
from runtime.node import Node
from tests.databases import cloned, make_template
from tests.hurrying import hurried
from tests.integration.runtime.between import pgbouncer
from tests.log_node import append_to, new_stream
from tests.private_servers import PrivateServer, private_server

from .conftest import headers_of, settings_of
from .running import running

CHAT = "/api/ada/chat"
CONVERSATIONS = "/api/ada/conversations"
PROBES = ("/healthz", "/readyz", "/metrics")
HOUR_SECONDS = 3600.0
SCRAPE_SECONDS = 15.0
#: How much faster an hour passes: long enough for a statement to be made, sent and logged.
HURRY = 900.0
#: Whatever follows the use of a node has been done by then.
SETTLE_SECONDS = 30.0
SETTINGS = {
    "log_statement": "all",
    "log_connections": "on",
    "log_line_prefix": "%m database=%d ",
}
SESSIONS = """
SELECT pid, query_start, state_change FROM pg_stat_activity WHERE datname = $1
"""
#: What a listener says last.
LISTENING = "query LIKE '%AS unsealed%'"
KILL = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1"


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    """One that writes every statement and connection into its log."""
    with private_server(tmp_path_factory.mktemp("idle"), settings=SETTINGS) as server:
        yield server


@pytest.fixture(scope="module")
def template_database(postgres: PrivateServer) -> str:
    return make_template(postgres, migrate)


@pytest.fixture
async def database_url(postgres: PrivateServer, template_database: str) -> AsyncIterator[str]:
    async with cloned(postgres, template_database) as url:
        yield url


class Observer:
    """Looks at one database from another one."""

    def __init__(self, server: PrivateServer, connection: asyncpg.Connection, name: str) -> None:
        self._server = server
        self._connection = connection
        self.name = name

    def logged(self) -> list[str]:
        """The statements that reached the database, and the attempts to reach it."""
        lines = re.findall(rf".*database={self.name}\b.*", self._server.log_text)
        return [line for line in lines if "terminating connection" not in line]

    async def sessions(self) -> dict[int, Any]:
        rows = await self._connection.fetch(SESSIONS, self.name)
        return {row["pid"]: (row["query_start"], row["state_change"]) for row in rows}

    async def kill_sessions(self) -> None:
        await self._connection.fetchval(KILL, self.name)
        async with asyncio.timeout(10):
            while await self.sessions():
                await asyncio.sleep(0.01)

    async def kill_listeners(self) -> None:
        assert await self._connection.fetchval(f"{KILL} AND {LISTENING}", self.name) > 0

    async def refuse(self, is_refusing: bool) -> None:
        allowed = "false" if is_refusing else "true"
        await self._connection.execute(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS {allowed}")


@pytest.fixture
async def observer(postgres: PrivateServer, database_url: str) -> AsyncIterator[Observer]:
    name = re.search(r"/(test_\w+)", database_url)
    assert name is not None
    connection = await asyncpg.connect(postgres.url)
    try:
        yield Observer(postgres, connection, name[1])
    finally:
        await connection.close()


@asynccontextmanager
async def app_on(url: str, model: Model, **settings: Any) -> AsyncIterator[FastAPI]:
    app = create_app(settings_of(url, **settings), model=model)
    async with running(app):
        yield app


async def idle_hour(client: httpx.AsyncClient) -> None:
    """Nobody comes but whoever watches."""
    with hurried(HURRY):
        for _ in range(int(HOUR_SECONDS / SCRAPE_SECONDS)):
            for probe in PROBES:
                answer = await client.get(probe)
                assert answer.status_code == 200, answer.text
            await asyncio.sleep(SCRAPE_SECONDS)


async def settle() -> None:
    with hurried(HURRY / 60):
        await asyncio.sleep(SETTLE_SECONDS)


@pytest.fixture(params=["direct", "pooler for reads", "pooler alone"])
async def app(
    request: pytest.FixtureRequest, database_url: str, model: Model, tmp_path: Path
) -> AsyncIterator[FastAPI]:
    if request.param == "direct":
        async with app_on(database_url, model) as app:
            yield app
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    direct = {"database_direct_url": database_url} if "reads" in request.param else {}
    with pgbouncer(database_url, tmp_path, port) as pooled:
        async with app_on(pooled, model, **direct) as app:
            yield app


async def test_idle_hour_brings_no_statement_while_probes_are_answered(
    client: httpx.AsyncClient, observer: Observer
) -> None:
    await client.post(CHAT, json={"message": "add buy milk"})
    assert len((await client.get(CONVERSATIONS)).json()["data"]) == 1
    # A run that waits for its user keeps nobody awake.
    deleting = await client.post(CHAT, json={"message": "delete buy milk"})
    assert deleting.json()["status"] == "waiting"
    await settle()
    before, lines = await observer.sessions(), observer.logged()
    await idle_hour(client)
    after = await observer.sessions()
    assert observer.logged() == lines
    assert {pid: before.get(pid) for pid in after} == after
    assert (await client.get(CONVERSATIONS)).status_code == 200
    assert len(observer.logged()) > len(lines)


async def test_connections_that_end_while_idle_are_not_opened_until_needed(
    client: httpx.AsyncClient, observer: Observer
) -> None:
    await client.post(CHAT, json={"message": "add buy milk"})
    await settle()
    await observer.refuse(True)
    await observer.kill_sessions()
    lines = observer.logged()
    await idle_hour(client)
    assert observer.logged() == lines
    assert await observer.sessions() == {}
    await observer.refuse(False)
    assert len((await client.get(CONVERSATIONS)).json()["data"]) == 1
    done = await client.post(CHAT, json={"message": "what's left?"})
    assert done.json()["status"] == "completed"


class TestListening:
    """Nodes that LISTEN."""

    @pytest.fixture
    async def app(self, database_url: str, model: Model) -> AsyncIterator[FastAPI]:
        async with app_on(database_url, model) as app:
            yield app

    @pytest.fixture
    async def deaf(self, node: Node, client: httpx.AsyncClient, observer: Observer) -> Node:
        """A node whose connections ended while it was idle, and that missed a message since."""
        await client.get(CONVERSATIONS)
        await settle()
        await observer.kill_sessions()
        await until(lambda: node.listener is not None and node.listener.is_resting)
        return node

    async def test_request_that_reads_brings_listening_and_what_was_missed_back(
        self, deaf: Node, client: httpx.AsyncClient, database_url: str
    ) -> None:
        head = deaf.signal.head
        await say_on_another_node(database_url)
        await asyncio.sleep(0.3)
        assert deaf.signal.head == head
        assert (await client.get("/readyz")).status_code == 200
        assert len((await client.get(CONVERSATIONS)).json()["data"]) == 1
        await until(lambda: is_listening(deaf))
        await until(lambda: deaf.signal.head > head)
        await until(lambda: deaf.projector.status.position == deaf.signal.head)

    async def test_append_brings_listening_back(self, deaf: Node) -> None:
        await deaf.store.append(append_to(new_stream(), 0))
        await until(lambda: is_listening(deaf))

    async def test_open_tail_keeps_listening(
        self, deaf: Node, client: httpx.AsyncClient, live: httpx.AsyncClient, observer: Observer
    ) -> None:
        done = (await client.post(CHAT, json={"message": "add buy milk"})).json()
        path = f"{CONVERSATIONS}/{done['conversation_id']}/events"
        async with live.stream("GET", path) as tail:
            assert tail.status_code == 200
            await until(lambda: is_listening(deaf))
            await settle()
            await observer.kill_listeners()
            await until(lambda: not is_listening(deaf))
            await until(lambda: is_listening(deaf))

    async def test_unfinished_run_of_another_node_keeps_listening(
        self, node: Node, client: httpx.AsyncClient, observer: Observer, database_url: str
    ) -> None:
        async with app_on(database_url, OfflineModel(delay_seconds=1.0)) as other:
            transport = httpx.ASGITransport(app=other)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://localhost", headers=headers_of("ada")
            ) as working:
                asking = asyncio.create_task(
                    working.post(CHAT, json={"message": "add buy milk"}, timeout=60)
                )
                await until(lambda: node.supervisor.unfinished == 1)
                await observer.kill_listeners()
                await until(lambda: not is_listening(node))
                await until(lambda: is_listening(node))
                assert (await asking).json()["status"] == "completed"


def is_listening(node: Node) -> bool:
    return node.listener is not None and node.listener.is_listening


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_true():
            await asyncio.sleep(0.01)


async def say_on_another_node(url: str) -> None:
    async with app_on(url, OfflineModel(delay_seconds=0)) as other:
        transport = httpx.ASGITransport(app=other)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", headers=headers_of("ada")
        ) as client:
            assert (await client.post(CHAT, json={"message": "add call mum"})).status_code == 200
