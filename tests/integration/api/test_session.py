from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from agents import Model
from fastapi import FastAPI
from structlog.testing import capture_logs

from api.app import create_app
from api.dependencies import SAFE_METHODS
from auth.onetime import MAX_FAILURES
from runtime.node import Node
from runtime.settings import Settings, load_settings

from .chatkit_wire import NOBODYS_ID
from .conftest import Clients
from .running import running
from .test_refusals import address, routes

MANY_ROUTES = 10
CHAT = "/api/local/chat"


async def test_session_tells_who_and_what_answers(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    session = (await client.get("/api/session")).json()
    assert (session["user_id"], session["mode"]) == ("ada", "hs256")
    assert set(session["assistant"]) == {"kind", "model", "models"}
    assert (await stranger.get("/api/session")).status_code == 401


async def test_client_secret_opens_chatkit_and_nothing_else(
    client: httpx.AsyncClient, client_of: Clients
) -> None:
    answer = await client.post("/api/ada/chatkit/session")
    assert answer.status_code == 200
    expires_at = datetime.fromisoformat(answer.json()["expires_at"])
    assert timedelta(minutes=9) < expires_at - datetime.now(UTC) <= timedelta(minutes=10)
    headers = {"Authorization": f"Bearer {answer.json()['client_secret']}"}
    element = client_of(None, headers=headers)
    request = {"type": "threads.list", "params": {}}
    assert (await element.post("/chatkit", json=request)).status_code == 200
    assert (await element.get("/api/session")).status_code == 401
    assert (await element.get("/api/ada/conversations")).status_code == 401
    assert (await element.post("/api/ada/chatkit/session")).status_code == 401


async def test_there_is_no_sign_in_link_beside_a_login_service(
    stranger: httpx.AsyncClient, node: Node
) -> None:
    answer = await stranger.get("/signin", params={"token": node.sign_in.issue()})
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers


class TestLocalMode:
    @pytest.fixture
    def settings(self, tmp_path: Path) -> Settings:
        return load_settings(verbatim_data_dir=tmp_path)

    @pytest.fixture
    async def app(
        self, settings: Settings, database_url: str, model: Model
    ) -> AsyncIterator[FastAPI]:
        app = create_app(settings, database_url=database_url, model=model)
        async with running(app):
            yield app

    async def sign_in(self, browser: httpx.AsyncClient, node: Node) -> httpx.Response:
        return await browser.get("/signin", params={"token": node.sign_in.issue()})

    async def test_link_signs_in_once(self, stranger: httpx.AsyncClient, node: Node) -> None:
        link = {"token": node.sign_in.issue()}
        with capture_logs() as lines:
            answer = await stranger.get("/signin", params=link)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("verbatim_session=")
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert link["token"] not in str(lines)
        session = (await stranger.get("/api/session")).json()
        assert (session["user_id"], session["mode"]) == ("local", "local")
        stranger.cookies.clear()
        again = await stranger.get("/signin", params=link)
        assert again.status_code == 403
        assert again.headers["content-type"].startswith("text/html")
        assert "used or has expired" in again.text
        assert "verbatim serve" in again.text
        assert (await stranger.get("/api/session")).status_code == 401

    async def test_cookie_sends_messages_from_own_pages_only(
        self, stranger: httpx.AsyncClient, node: Node
    ) -> None:
        await self.sign_in(stranger, node)
        body = {"message": "hello"}
        own = await stranger.post(CHAT, json=body, headers={"Origin": "http://localhost"})
        assert own.status_code == 200
        for origin in ("http://evil.example", "null", "http://localhost:1"):
            foreign = await stranger.post(CHAT, json=body, headers={"Origin": origin})
            assert foreign.status_code == 403
        assert len((await stranger.get("/api/local/conversations")).json()["data"]) == 1

    async def test_no_route_lets_another_page_use_the_cookie(
        self, app: FastAPI, stranger: httpx.AsyncClient, node: Node
    ) -> None:
        await self.sign_in(stranger, node)
        unsafe = [(m, path) for m, path in routes(app) if m not in SAFE_METHODS]
        unsafe.append(("POST", "/signout"))
        assert len(unsafe) > MANY_ROUTES
        for method, path in unsafe:
            where = address(path, "local", NOBODYS_ID, NOBODYS_ID)
            for origin in ("http://evil.example", "null", "https://localhost:1"):
                foreign = await stranger.request(method, where, headers={"Origin": origin})
                assert foreign.status_code == 403, (method, path)
                assert origin in foreign.json()["detail"]
        tools = await stranger.post("/mcp", json={}, headers={"Origin": "http://localhost"})
        assert tools.status_code == 401

    async def test_signing_out_forgets_the_cookie(
        self, stranger: httpx.AsyncClient, node: Node
    ) -> None:
        await self.sign_in(stranger, node)
        foreign = await stranger.post("/signout", headers={"Origin": "http://evil.example"})
        assert foreign.status_code == 403
        assert (await stranger.get("/api/session")).status_code == 200
        assert (await stranger.post("/signout")).status_code == 204
        assert (await stranger.get("/api/session")).status_code == 401

    async def test_link_does_nothing_through_a_proxy(
        self, stranger: httpx.AsyncClient, node: Node
    ) -> None:
        link = {"token": node.sign_in.issue()}
        for header in ("X-Forwarded-For", "Forwarded", "Via"):
            answer = await stranger.get("/signin", params=link, headers={header: "1.2.3.4"})
            assert answer.status_code == 403
            assert "set-cookie" not in answer.headers
        assert (await stranger.get("/signin", params=link)).status_code == 303

    async def test_guessing_is_slowed_down(self, stranger: httpx.AsyncClient) -> None:
        for guess in range(MAX_FAILURES):
            answer = await stranger.get("/signin", params={"token": f"guess-{guess}"})
            assert answer.status_code == 403
        answer = await stranger.get("/signin", params={"token": "guess"})
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0

    async def test_foreign_host_is_refused_everywhere(
        self, stranger: httpx.AsyncClient, node: Node
    ) -> None:
        link = {"token": node.sign_in.issue()}
        for path in ("/", "/healthz", "/signin", "/api/session", "/nowhere"):
            answer = await stranger.get(path, params=link, headers={"Host": "evil.example"})
            assert answer.status_code == 403
            assert answer.headers["content-type"] == "application/problem+json"
        for host in ("localhost:8000", "127.0.0.1", "[::1]:8000"):
            answer = await stranger.get("/healthz", headers={"Host": host})
            assert answer.status_code == 200

    async def test_bearer_tokens_of_the_command_line_are_good_too(
        self, client_of: Clients, node: Node
    ) -> None:
        headers = {"Authorization": f"Bearer {node.signer.user_token('ada')}"}
        ada = client_of(None, headers=headers)
        assert (await ada.get("/api/session")).json()["user_id"] == "ada"
        assert (await ada.get("/api/local/conversations")).status_code == 403
