"""Limits of a user as HTTP tells of them: 429 with Retry-After, before anything is stored."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from agents import Model
from agents.testing import ScriptedModel, assistant_message

from runtime.node import Node
from runtime.settings import Settings

from .chatkit_wire import ask, assert_problem, json_of, say, thread_of, typed
from .conftest import settings_of

CHAT = "/api/ada/chat"


@pytest.fixture
def settings(database_url: str, request: pytest.FixtureRequest) -> Settings:
    return settings_of(database_url, **request.param)


@pytest.fixture
def model() -> Model:
    return ScriptedModel([[assistant_message("Hello.")] for _ in range(9)])


async def count_events(node: Node) -> int:
    found: int = await node.database.direct.fetchval("SELECT count(*) FROM verbatim.events")
    return found


def limited(**limits: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("settings", [limits], indirect=True, ids=["limited"])


@limited(verbatim_rate_limit=2)
async def test_messages_beyond_the_rate_are_refused_and_reading_is_not(
    client: httpx.AsyncClient, eve: httpx.AsyncClient, node: Node
) -> None:
    thread_id = thread_of(await say(client, "one"))
    assert (await client.post(CHAT, json={"message": "two"})).status_code == 200
    before = await count_events(node)
    by_chatkit = await ask(
        client, "threads.add_user_message", thread_id=thread_id, input=typed("three")
    )
    by_rest = await client.post(CHAT, json={"message": "three"})
    for refused in (by_chatkit, by_rest):
        problem = assert_problem(refused, 429)
        assert problem["type"] == "urn:verbatim:problem:limit-reached"
        assert 0 < int(refused.headers["retry-after"]) <= 61
    assert await count_events(node) == before
    assert len((await json_of(client, "items.list", thread_id=thread_id))["data"]) == 2
    assert thread_of(await say(eve, "hello"))


@limited(verbatim_token_limit=1)
async def test_tokens_beyond_the_day_are_refused(client: httpx.AsyncClient, node: Node) -> None:
    await client.post(CHAT, json={"message": "hi"})
    await node.database.direct.execute(
        "INSERT INTO verbatim.token_use "
        "VALUES ('ada', (clock_timestamp() AT TIME ZONE 'UTC')::date, 1) "
        "ON CONFLICT (owner_id, used_on) DO UPDATE SET tokens = 1"
    )
    refused = await client.post(CHAT, json={"message": "hi"})
    assert "tokens a day" in assert_problem(refused, 429)["detail"]
    assert int(refused.headers["retry-after"]) <= 24 * 3600


@limited(verbatim_rate_limit=1)
async def test_message_that_was_sent_is_answered_again_whatever_the_limit(
    client: httpx.AsyncClient,
) -> None:
    headers = {"Idempotency-Key": "k"}
    first = await client.post(CHAT, json={"message": "hi"}, headers=headers)
    again = await client.post(CHAT, json={"message": "hi"}, headers=headers)
    assert (first.status_code, again.text) == (200, first.text)
