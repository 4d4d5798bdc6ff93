from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from agents import Model
from fastapi import FastAPI

from api.app import create_app
from tests.integration.runtime.between import Wire, wire

from .conftest import Clients, settings_of
from .running import running

CHAT = "/api/ada/chat"
PATIENCE_SECONDS = 60


@pytest.fixture
async def between(database_url: str) -> AsyncIterator[tuple[Wire, str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with wire(database_url, port) as (carrier, url):
        await carrier.mend()
        yield carrier, url


@pytest.fixture
async def app(between: tuple[Wire, str], model: Model) -> AsyncIterator[FastAPI]:
    app = create_app(settings_of(between[1]), model=model)
    async with running(app):
        yield app


async def test_lost_database_is_503_and_what_was_acknowledged_is_there_again(
    client_of: Clients, between: tuple[Wire, str]
) -> None:
    carrier, _ = between
    client = client_of("ada")
    before = (await client.post(CHAT, json={"message": "add buy milk"})).json()
    path = f"/api/ada/conversations/{before['conversation_id']}"
    await carrier.cut()
    for refused in await asyncio.gather(
        client.get("/api/ada/conversations"),
        client.get(f"{path}/messages"),
        client.post(CHAT, json={"message": "add call mum"}),
        client.patch(path, json={"title": "Lost"}),
    ):
        assert refused.status_code == 503, refused.text
        assert int(refused.headers["retry-after"]) > 0
        assert refused.headers["content-type"] == "application/problem+json"
        assert "postgres" not in refused.text.lower()
    assert (await client.get("/healthz")).status_code == 200
    unready = await client.get("/readyz")
    assert unready.status_code == 503
    assert "database" in unready.json()["detail"]
    await carrier.mend()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.1)
    messages = (await client.get(f"{path}/messages")).json()["data"]
    assert messages[1]["content"] == before["response"]
    body = {"message": "what's left?", "conversation_id": before["conversation_id"]}
    after = await client.post(CHAT, json=body)
    assert (after.status_code, after.json()["status"]) == (200, "completed")
    assert "milk" in after.json()["response"].lower()


async def test_message_under_a_key_is_sent_once_across_an_outage(
    client_of: Clients, between: tuple[Wire, str]
) -> None:
    carrier, _ = between
    client = client_of("ada")
    headers = {"Idempotency-Key": "once"}

    async def send() -> httpx.Response:
        return await client.post(CHAT, json={"message": "add buy milk"}, headers=headers)

    sending = asyncio.create_task(send())
    await asyncio.sleep(0.02)
    await carrier.cut()
    await asyncio.sleep(0.2)
    await carrier.mend()
    async with asyncio.timeout(PATIENCE_SECONDS):
        answer = await sending
        while answer.status_code == 503:
            await asyncio.sleep(0.1)
            answer = await send()
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    tasks = (await client.get("/api/ada/tasks")).json()["data"]
    assert len(tasks) == 1
