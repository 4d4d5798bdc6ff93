from __future__ import annotations

import asyncio
import gc
import re
from datetime import datetime
from pathlib import Path

import asyncpg
import httpx
import pytest
import yaml
from fastapi import FastAPI
from structlog.testing import capture_logs

from api.app import create_app
from api.page import STATIC

from .conftest import Clients, headers_of, settings_of
from .running import running

ROOT = Path(__file__).parents[3]
START_SECONDS = 20
#: Until what start-up began is over.
SETTLE_SECONDS = 0.5
ORIGIN = "https://chat.example.com"


async def test_every_answer_is_secured(client: httpx.AsyncClient) -> None:
    for path in ("/", "/docs", "/healthz", "/api/session", "/nowhere"):
        headers = (await client.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "server" not in headers
    assert (await client.get("/api/session")).headers["cache-control"] == "no-store"


async def test_request_id_is_taken_when_sane_and_minted_otherwise(
    client: httpx.AsyncClient,
) -> None:
    given = await client.get("/healthz", headers={"X-Request-Id": "trace-1234"})
    assert given.headers["x-request-id"] == "trace-1234"
    for bad in ("short", "x" * 65, "new\tline-1", "<script>alert"):
        minted = (await client.get("/healthz", headers={"X-Request-Id": bad})).headers
        assert re.fullmatch(r"[0-9a-f-]{36}", minted["x-request-id"])


async def test_log_line_has_the_template_and_no_content(client: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        await client.post("/api/ada/chat?secret=1", json={"message": "my diary"})
    (line,) = [line for line in lines if line["event"] == "request"]
    assert line["route"] == "/api/{user_id}/chat"
    assert (line["method"], line["status"]) == ("POST", 200)
    assert line["ms"] > 0
    assert "diary" not in str(lines)
    assert "secret" not in str(lines)


async def test_requests_are_counted_by_template(client: httpx.AsyncClient) -> None:
    await client.get("/api/ada/conversations")
    await client.get("/api/ada/conversations?limit=0")
    await client.get("/anything/at/all")
    text = (await client.get("/metrics")).text
    route = 'route="/api/{user_id}/conversations"'
    for expected in (
        f'verbatim_http_requests_total{{method="GET",{route},status="200"}} 1.0',
        f'verbatim_http_requests_total{{method="GET",{route},status="422"}} 1.0',
        'verbatim_http_requests_total{method="GET",route="(none)",status="404"} 1.0',
    ):
        assert expected in text


async def test_probes_answer_without_asking_the_database(
    stranger: httpx.AsyncClient, database_url: str
) -> None:
    assert (await stranger.get("/healthz")).json() == {"status": "up"}
    async with asyncio.timeout(START_SECONDS):
        while (await stranger.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.05)
    ready = (await stranger.get("/readyz")).json()
    assert set(ready["checks"]) == {"database", "migrations", "sealer", "projector"}
    await asyncio.sleep(SETTLE_SECONDS)
    before = await _last_statement(database_url)
    for path in ("/healthz", "/readyz", "/metrics") * 5:
        assert (await stranger.get(path)).status_code == 200
    assert await _last_statement(database_url) == before


async def test_heap_is_frozen_while_the_app_runs(database_url: str) -> None:
    app = create_app(settings_of(database_url))
    before = gc.get_freeze_count()
    async with running(app):
        assert gc.get_freeze_count() > before + 10_000
    assert gc.get_freeze_count() == 0


async def test_page_comes_from_memory_with_its_types(stranger: httpx.AsyncClient) -> None:
    index = await stranger.get("/")
    assert index.text == (STATIC / "index.html").read_text()
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    assert index.headers["cache-control"] == "no-cache"
    types = {
        "/chatkit.js": "text/javascript; charset=utf-8",
        "/page.js": "text/javascript; charset=utf-8",
        "/page.css": "text/css; charset=utf-8",
        "/favicon.svg": "image/svg+xml",
    }
    for path, media_type in types.items():
        first = await stranger.get(path)
        assert (first.status_code, first.headers["content-type"]) == (200, media_type)
        known = {"If-None-Match": first.headers["etag"]}
        again = await stranger.get(path, headers=known)
        assert (again.status_code, again.content) == (304, b"")
    assert (await stranger.head("/")).status_code == 200
    assert (await stranger.get("/../app.py")).status_code == 404


async def test_docs_need_no_script_and_name_every_route(
    stranger: httpx.AsyncClient, app: FastAPI
) -> None:
    docs = await stranger.get("/docs")
    assert docs.status_code == 200
    assert "<script" not in docs.text
    assert "style=" not in docs.text
    assert re.findall(r'(?:src|href)="(?!/[a-z])', docs.text) == []
    for path in app.openapi()["paths"]:
        assert f"<code>{path}</code>" in docs.text
    for address in set(re.findall(r'href="(/[^"]+)"', docs.text)):
        assert (await stranger.get(address)).status_code == 200


async def test_contract_is_the_one_that_is_served(
    stranger: httpx.AsyncClient,
) -> None:
    """Write it anew with scripts/openapi."""
    served = (await stranger.get("/openapi.json")).json()
    contract = ROOT / "contracts" / "conversation-openapi.yaml"
    assert served == yaml.safe_load(contract.read_text())


def test_contract_documents_errors_as_problems(app: FastAPI) -> None:
    for path, item in app.openapi()["paths"].items():
        for method, operation in item.items():
            for status, answer in operation["responses"].items():
                if status.startswith(("4", "5")):
                    assert set(answer["content"]) == {"application/problem+json"}, (path, method)
            if "security" in operation:
                assert {"401", "403", "503"} <= set(operation["responses"])


def test_operation_ids_are_unique(app: FastAPI) -> None:
    ids = [
        operation["operationId"]
        for item in app.openapi()["paths"].values()
        for operation in item.values()
    ]
    assert len(ids) == len(set(ids))


class TestAllowedOrigin:
    @pytest.fixture
    def app(self, database_url: str) -> FastAPI:
        return create_app(settings_of(database_url, verbatim_allowed_origins=(ORIGIN,)))

    async def test_page_of_an_allowed_origin_may_call_with_a_token(
        self, client: httpx.AsyncClient, app: FastAPI
    ) -> None:
        asked = {
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,idempotency-key",
        }
        preflight = await client.options("/api/ada/chat", headers=asked)
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == ORIGIN
        assert "access-control-allow-credentials" not in preflight.headers
        refused = await client.options(
            "/api/ada/chat", headers=asked | {"Origin": "https://evil.example"}
        )
        assert "access-control-allow-origin" not in refused.headers
        async with running(app):
            answer = await client.get("/api/session", headers={"Origin": ORIGIN})
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "Verbatim-Run" in answer.headers["access-control-expose-headers"]


class TestAllowedHost:
    @pytest.fixture
    def app(self, database_url: str) -> FastAPI:
        return create_app(settings_of(database_url, verbatim_allowed_hosts=("chat.example.com",)))

    async def test_only_allowed_hosts_are_served(self, client_of: Clients) -> None:
        client = client_of("ada")
        expected = {"chat.example.com": 200, "localhost": 200, "evil.example": 403}
        for host, status in expected.items():
            assert (await client.get("/healthz", headers={"Host": host})).status_code == status


async def test_any_host_is_served_beside_a_login_service(client: httpx.AsyncClient) -> None:
    headers = headers_of("ada") | {"Host": "chat.example.com"}
    assert (await client.get("/api/session", headers=headers)).status_code == 200


async def _last_statement(database_url: str) -> datetime:
    """When a session of the node last began a statement."""
    connection = await asyncpg.connect(database_url)
    try:
        began: datetime = await connection.fetchval(
            "SELECT max(query_start) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return began
    finally:
        await connection.close()
