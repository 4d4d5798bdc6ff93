"""A database that has to be woken is a slow answer, not an error."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from agent.offline.model import OfflineModel
from api.app import create_app
from runtime.migrations import migrate
from tests.databases import cloned, make_template
from tests.ports import free_port
from tests.private_servers import PrivateServer, private_server

from .conftest import headers_of, settings_of
from .running import running

CHAT = "/api/ada/chat"
CONVERSATIONS = "/api/ada/conversations"
WAKING_SECONDS = 5.0
ANSWER_SECONDS = 7.0


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    settings = {"listen_addresses": "127.0.0.1", "port": str(free_port())}
    with private_server(tmp_path_factory.mktemp("cold"), settings=settings) as server:
        yield server


@pytest.fixture
def template(server: PrivateServer) -> str:
    return make_template(server, migrate)


@asynccontextmanager
async def client_on(server: PrivateServer, template: str) -> AsyncIterator[httpx.AsyncClient]:
    """Ada, who has said something, on a node and a database of her own."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(cloned(server, template))
        over_tcp = server.tcp_url_of(url.partition("@/")[2].partition("?")[0])
        app = create_app(settings_of(over_tcp), model=OfflineModel(delay_seconds=0))
        await stack.enter_async_context(running(app))
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        client = httpx.AsyncClient(
            transport=transport, base_url="http://localhost", headers=headers_of("ada"), timeout=60
        )
        await stack.enter_async_context(client)
        yield client


async def wake_later(server: PrivateServer) -> None:
    await asyncio.sleep(WAKING_SECONDS)
    await asyncio.to_thread(server.start)


async def test_first_request_after_a_cold_start_is_answered(
    server: PrivateServer, template: str
) -> None:
    """Each kind of request is the first one of a node of its own."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client_on(server, template)) for _ in range(4)]
        said = [(await c.post(CHAT, json={"message": "add buy milk"})).json() for c in clients]
        paths = [f"{CONVERSATIONS}/{answer['conversation_id']}" for answer in said]
        await asyncio.to_thread(server.stop)
        waking = asyncio.create_task(wake_later(server))
        began = time.monotonic()
        lists, messages, chat, rename = await asyncio.gather(
            clients[0].get(CONVERSATIONS),
            clients[1].get(f"{paths[1]}/messages"),
            clients[2].post(
                CHAT,
                json={"message": "what's left?", "conversation_id": said[2]["conversation_id"]},
            ),
            clients[3].patch(paths[3], json={"title": "Milk"}),
        )
        took_seconds = time.monotonic() - began
        await waking
        assert WAKING_SECONDS < took_seconds < ANSWER_SECONDS
        assert [answer.status_code for answer in (lists, messages, chat, rename)] == [200] * 4
        assert len(lists.json()["data"]) == 1
        assert len(messages.json()["data"]) == 2
        assert "milk" in chat.json()["response"].lower()
        assert rename.json()["title"] == "Milk"
