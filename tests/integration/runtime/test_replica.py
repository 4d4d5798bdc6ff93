"""Reads from a streaming replica: never older than what the client has written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from agent.offline.model import OfflineModel
from api.app import create_app
from api.positions import POSITION
from runtime.migrations import migrate
from runtime.node import Node
from tests.contract.store.test_subscription import become_standby
from tests.databases import execute, run_apart
from tests.integration.api.conftest import headers_of, settings_of
from tests.integration.api.running import running
from tests.private_servers import PrivateServer, private_server, stopped_server

WAIT_SECONDS = 60.0
REPLICATING = {"hot_standby_feedback": "on"}


@dataclass
class Pair:
    primary: PrivateServer
    replica: PrivateServer


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A server of the embedded one's programs, and one that follows it."""
    folder = tmp_path_factory.mktemp("pair")
    with private_server(folder / "primary") as primary:
        run_apart(_migrated(primary))
        with stopped_server(folder / "replica", settings=REPLICATING) as replica:
            become_standby(replica, primary)
            yield Pair(primary, replica)


async def _migrated(primary: PrivateServer) -> None:
    await migrate(primary.url)


@pytest.fixture
async def app(pair: Pair) -> AsyncIterator[FastAPI]:
    async with _answering(pair.replica.url):
        pass
    settings = settings_of(pair.primary.url, database_read_url=pair.replica.url)
    app = create_app(settings, model=OfflineModel(delay_seconds=0))
    async with running(app):
        yield app


@pytest.fixture
def node(app: FastAPI) -> Node:
    node: Node = app.state.node
    return node


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app, "ada") as client:
        yield client


def client_of(app: FastAPI, user_id: str) -> httpx.AsyncClient:
    """Keeps its cookies, as a browser does."""
    transport = httpx.ASGITransport(app=app)
    headers = headers_of(user_id)
    return httpx.AsyncClient(
        transport=transport, headers=headers, base_url="http://localhost", timeout=60
    )


async def say(client: httpx.AsyncClient, user_id: str, text: str) -> str:
    answer = await client.post(f"/api/{user_id}/chat", json={"message": text})
    assert answer.status_code == 200, answer.text
    conversation_id: str = answer.json()["conversation_id"]
    return conversation_id


async def test_pages_and_lists_come_from_the_replica_once_it_has_what_was_written(
    client: httpx.AsyncClient, node: Node
) -> None:
    assert client.cookies.get(POSITION) is None
    await client.get("/api/ada/conversations")
    assert outcomes(node) == (0, 0, 0)
    for number in range(5):
        conversation_id = await say(client, "ada", f"add item-{number}")
        page = await client.get(f"/api/ada/conversations/{conversation_id}/messages")
        assert [message["role"] for message in page.json()["data"]] == ["user", "assistant"]
        listed = (await client.get("/api/ada/conversations")).json()["data"]
        assert listed[0]["id"] == conversation_id
        tasks = (await client.get("/api/ada/tasks")).json()["data"]
        assert len(tasks) == number + 1
    answered, behind, away = outcomes(node)
    assert answered >= 15
    assert (behind, away) == (0, 0)


async def test_reader_waits_for_a_replica_that_is_a_little_behind(
    client: httpx.AsyncClient, node: Node, pair: Pair
) -> None:
    conversation_id = await say(client, "ada", "hello")
    path = f"/api/ada/conversations/{conversation_id}"
    wait_for_what_clients_say(node)
    await client.get(path)
    assert outcomes(node) == (1, 0, 0)
    async with paused(pair.replica):
        await client.patch(path, json={"title": "Renamed"})
        reading = asyncio.create_task(client.get(path))
        await asyncio.sleep(0.3)
        assert not reading.done()
    assert (await reading).json()["title"] == "Renamed"
    assert outcomes(node) == (2, 0, 0)


async def test_primary_answers_for_a_replica_that_stays_behind(
    client: httpx.AsyncClient, node: Node, pair: Pair
) -> None:
    await say(client, "ada", "hello")
    async with paused(pair.replica):
        conversation_id = await say(client, "ada", "hello again")
        page = await client.get(f"/api/ada/conversations/{conversation_id}/messages")
        assert len(page.json()["data"]) == 2
        assert outcomes(node) == (0, 0, 1)
        # It is left alone for a while.
        await client.get("/api/ada/conversations")
        assert outcomes(node) == (0, 0, 1)


async def test_primary_answers_for_a_replica_that_is_down(
    client: httpx.AsyncClient, node: Node, pair: Pair
) -> None:
    await say(client, "ada", "hello")
    await asyncio.to_thread(pair.replica.stop)
    try:
        with capture_logs() as lines:
            conversation_id = await say(client, "ada", "hello again")
            listed = (await client.get("/api/ada/conversations")).json()["data"]
        assert listed[0]["id"] == conversation_id
        assert outcomes(node) == (0, 0, 1)
        assert [line["event"] for line in lines].count("replica_away") <= 1
        detail = (await client.get("/readyz")).json()["checks"]["replica"]
        assert detail == {"is_ok": True, "detail": "Away or behind; the primary answers."}
    finally:
        pair.replica.launch()
        async with _answering(pair.replica.url):
            pass


async def test_position_of_another_user_is_none_and_tells_nothing(
    app: FastAPI, client: httpx.AsyncClient, node: Node
) -> None:
    conversation_id = await say(client, "ada", "hello")
    async with client_of(app, "eve") as eve:
        await say(eve, "eve", "mine")
        for version in (1, 10**9):
            claim = {POSITION: f"conversation-{conversation_id}:{version}"}
            listed = await eve.get("/api/eve/conversations", headers=claim)
            assert len(listed.json()["data"]) == 1
            foreign = await eve.get(f"/api/eve/conversations/{conversation_id}", headers=claim)
            assert foreign.status_code == 403
    assert outcomes(node)[1:] == (0, 0)


async def test_position_that_nobody_was_told_keeps_the_replica_from_nobody_else(
    app: FastAPI, client: httpx.AsyncClient, node: Node
) -> None:
    conversation_id = await say(client, "ada", "hello")
    for claim in (f"conversation-{conversation_id}:{10**9}", "conversation-none:1"):
        listed = await client.get("/api/ada/conversations", headers={POSITION: claim})
        assert listed.json()["data"][0]["id"] == conversation_id
    assert outcomes(node) == (0, 2, 0)
    for nonsense in ("", "x", "a-b:c", "a-b:1:", "conversation-" + "x" * 500 + ":1"):
        listed = await client.get("/api/ada/conversations", headers={POSITION: nonsense})
        assert listed.status_code == 200
    await client.get("/api/ada/conversations")
    assert outcomes(node)[0] >= 1


async def test_what_other_nodes_wrote_is_waited_for_as_soon_as_this_one_heard_of_it(
    client: httpx.AsyncClient, node: Node, pair: Pair
) -> None:
    """A run on another node goes on after the message whose position the client holds."""
    conversation_id = await say(client, "ada", "hello")
    position = client.cookies[POSITION]
    while outcomes(node)[0] == 0:
        await client.get(f"/api/ada/conversations/{conversation_id}")
    async with paused(pair.replica):
        renamed = await client.patch(
            f"/api/ada/conversations/{conversation_id}", json={"title": "Renamed"}
        )
        assert renamed.status_code == 200
        client.cookies.clear()
        told = {POSITION: position}
        shown = await client.get(f"/api/ada/conversations/{conversation_id}", headers=told)
        assert shown.json()["title"] == "Renamed"


def outcomes(node: Node) -> tuple[int, int, int]:
    """How often the replica answered, was not there yet, and was away or far behind."""
    counter: Any = node.metrics._counters["verbatim_replica_reads_total"]
    names = ("answered", "behind", "away")
    answered, behind, away = (int(counter.labels(name)._value.get()) for name in names)
    return answered, behind, away


def wait_for_what_clients_say(node: Node) -> None:
    """And as long as it takes: the node itself has heard of nothing."""
    replica = node.reads.replica
    assert replica is not None
    replica._patience_seconds = WAIT_SECONDS
    replica._head = lambda: 0


@asynccontextmanager
async def paused(replica: PrivateServer) -> AsyncIterator[None]:
    await execute(replica.url, "SELECT pg_wal_replay_pause()")
    async with _answering(replica.url) as connection:
        while (await connection.fetchval("SELECT pg_get_wal_replay_pause_state()")) != "paused":
            await asyncio.sleep(0.02)
    try:
        yield
    finally:
        await execute(replica.url, "SELECT pg_wal_replay_resume()")


@asynccontextmanager
async def _answering(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = None
    async with asyncio.timeout(WAIT_SECONDS):
        while connection is None:
            try:
                connection = await asyncpg.connect(url)
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(0.05)
    try:
        yield connection
    finally:
        await connection.close()
