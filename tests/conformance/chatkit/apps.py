"""Apps over a database whose models say what a test tells them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import httpx
from agents import Model
from fastapi import FastAPI

from agent.models import ModelConfig, build_model
from api.app import create_app
from runtime.node import Node
from tests.integration.api.chatkit_wire import json_of
from tests.integration.api.conftest import headers_of, settings_of
from tests.integration.api.running import running
from tests.wire import ResponsesServer, Turn


@asynccontextmanager
async def app_of(
    url: str, model: Model, **changes: Any
) -> AsyncIterator[tuple[httpx.AsyncClient, Node]]:
    app: FastAPI = create_app(settings_of(url, **changes), model=model)
    async with running(app):
        transport = httpx.ASGITransport(app=app)
        headers = headers_of("ada")
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", headers=headers, timeout=60
        ) as client:
            yield client, app.state.node


@asynccontextmanager
async def wire_model(
    api: Literal["responses", "chat_completions"], *turns: Turn
) -> AsyncIterator[Model]:
    """The real client of a host that says these things, one a request."""
    async with ResponsesServer(turns) as host:
        config = ModelConfig(
            api_key="k", base_url=host.base_url, model="wire", api=api, timeout_seconds=20
        )
        model = build_model(config)
        yield model
        await model.close()


async def items_of(client: httpx.AsyncClient, thread_id: str) -> list[dict[str, Any]]:
    page = await json_of(client, "items.list", thread_id=thread_id, order="asc", limit=100)
    items: list[dict[str, Any]] = page["data"]
    return items
