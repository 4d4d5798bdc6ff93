from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import Clients
from tests.integration.api.test_conversations import CONVERSATIONS, say

USAGE = "/api/ada/usage"


async def usage_of(client: httpx.AsyncClient, **params: Any) -> Any:
    response = await client.get(USAGE, params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def test_usage_counts_each_run_once_and_deleted_conversations_too(
    client: httpx.AsyncClient, client_of: Clients
) -> None:
    kept = await say(client, "hello")
    await say(client, "hello again", kept)
    gone = await say(client, "hello")
    await client.delete(f"{CONVERSATIONS}/{gone}")
    today = datetime.now(UTC).date().isoformat()
    by_day = await usage_of(client)
    assert (by_day["by"], by_day["to"], by_day["stale"]) == ("day", today, False)
    assert sum(row["runs"] for row in by_day["data"]) == by_day["total"]["runs"] == 3
    assert by_day["total"]["requests"] >= 3
    by_conversation = await usage_of(client, by="conversation")
    assert {row["key"]: row["runs"] for row in by_conversation["data"]} == {kept: 2, gone: 1}
    first = await usage_of(client, by="conversation", limit=1)
    rest = await usage_of(client, by="conversation", limit=1, after=first["after"])
    assert [first["data"][0], rest["data"][0]] == by_conversation["data"]
    assert not rest["has_more"]
    tomorrow = (datetime.now(UTC).date() + timedelta(days=1)).isoformat()
    assert (await usage_of(client, **{"from": tomorrow, "to": tomorrow}))["data"] == []
    assert (await client_of("bob").get(USAGE)).status_code == 403
    assert (await client_of("bob").get("/api/bob/usage")).json()["total"]["runs"] == 0


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({"from": "2026-02-02", "to": "2026-02-01"}, id="backwards"),
        pytest.param({"from": "yesterday"}, id="no-day"),
        pytest.param({"by": "user"}, id="by"),
        pytest.param({"limit": 0}, id="limit"),
        pytest.param({"after": "nonsense"}, id="cursor"),
    ],
)
async def test_usage_refuses_what_is_no_question(
    client: httpx.AsyncClient, params: dict[str, Any]
) -> None:
    assert (await client.get(USAGE, params=params)).status_code == 422


async def test_usage_takes_the_ends_of_time(client: httpx.AsyncClient) -> None:
    ends = {"from": "0001-01-01", "to": "9999-12-31"}
    assert (await usage_of(client, **ends))["total"]["runs"] == 0
    assert (await usage_of(client, to="0001-01-01"))["from"] == "0001-01-01"
