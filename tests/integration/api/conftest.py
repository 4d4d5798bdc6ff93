from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from agents import Model
from fastapi import FastAPI

from agent.offline.model import OfflineModel
from api.app import create_app
from auth.mint import mint_user_token
from runtime.node import Node
from runtime.settings import Settings, load_settings

from .documented import documented_by
from .running import running, served

#: 32 bytes in base64.
EVENT_KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
SECRET = "a secret for tests that is long enough"

Clients = Callable[..., httpx.AsyncClient]


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_of(database_url)


@pytest.fixture
def model() -> Model:
    return OfflineModel(delay_seconds=0)


@pytest.fixture
async def app(settings: Settings, model: Model) -> AsyncIterator[FastAPI]:
    app = create_app(settings, model=model)
    async with running(app):
        yield app


@pytest.fixture
def node(app: FastAPI) -> Node:
    node: Node = app.state.node
    return node


@pytest.fixture
async def client_of(app: FastAPI) -> AsyncIterator[Clients]:
    """Clients by user; None sends no token. They answer when a response is complete."""
    opened: list[httpx.AsyncClient] = []

    def open_client(user_id: str | None, **options: Any) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        headers = {**headers_of(user_id), **options.pop("headers", {})}
        hooks = {"response": [documented_by(app)]}
        options = {"base_url": "http://localhost", "timeout": 60, "event_hooks": hooks, **options}
        opened.append(httpx.AsyncClient(transport=transport, headers=headers, **options))
        return opened[-1]

    yield open_client
    for client in opened:
        await client.aclose()


@pytest.fixture
def client(client_of: Clients) -> httpx.AsyncClient:
    return client_of("ada")


@pytest.fixture
def eve(client_of: Clients) -> httpx.AsyncClient:
    return client_of("eve")


@pytest.fixture
def stranger(client_of: Clients) -> httpx.AsyncClient:
    return client_of(None)


@pytest.fixture
async def live(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Ada, over a socket: streams come as they are written."""
    async with (
        served(app) as address,
        httpx.AsyncClient(
            base_url=address,
            headers=headers_of("ada"),
            timeout=60,
            event_hooks={"response": [documented_by(app)]},
        ) as client,
    ):
        yield client


def settings_of(database_url: str, **changes: Any) -> Settings:
    return load_settings(
        **{
            "database_url": database_url,
            "event_key": EVENT_KEY,
            "better_auth_secret": SECRET,
            **changes,
        }
    )


def token_of(user_id: str, **claims: Any) -> str:
    return mint_user_token(SECRET, user_id, **claims)


def headers_of(user_id: str | None) -> dict[str, str]:
    return {} if user_id is None else {"Authorization": f"Bearer {token_of(user_id)}"}
