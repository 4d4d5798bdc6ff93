"""A call that waits for its user: over ChatKit, over REST, from two tabs, with a new token."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
import pytest
from agents.testing import ScriptedModel, assistant_message, function_call

from api.sse import RUN_HEADER
from events import conversation as c
from events.ids import new_id
from runtime.node import Node

from .chatkit_wire import ask, assert_problem, events_of, json_of, kinds, reply_of, say, thread_of
from .conftest import SECRET, Clients, token_of
from .streams import parse

MODEL_SAYS = "Understood."


@dataclass
class Asked:
    thread_id: str
    run_id: str
    call_id: str
    item: dict[str, Any]

    def action(self, button: str) -> dict[str, Any]:
        action: dict[str, Any] = self.item["widget"][button]["action"]
        return {"type": action["type"], "payload": action["payload"]}

    @property
    def path(self) -> str:
        return f"/api/ada/runs/{self.run_id}/approvals/{self.call_id}"


@pytest.fixture
def model() -> ScriptedModel:
    add = function_call("add_task", {"title": "buy milk"}, call_id="call_0")
    return ScriptedModel([[add], [assistant_message("Added.")]])


@pytest.fixture
async def asked(client: httpx.AsyncClient, model: ScriptedModel) -> Asked:
    """A deletion that waits."""
    thread_id = thread_of(await say(client, "add milk"))
    (task,) = (await client.get("/api/ada/tasks")).json()["data"]
    delete = function_call("delete_task", {"task_id": task["id"]}, call_id="call_1")
    model.extend([[delete], [assistant_message(MODEL_SAYS)], [assistant_message("Next.")]])
    events = await say(client, "delete milk", thread_id)
    item = events[-1]["item"]
    assert item["type"] == "widget"
    payload = item["widget"]["confirm"]["action"]["payload"]
    return Asked(thread_id, payload["run_id"], payload["call_id"], item)


async def press(client: httpx.AsyncClient, asked: Asked, button: str, **kwargs: Any) -> Any:
    return await ask(
        client,
        "threads.custom_action",
        thread_id=asked.thread_id,
        item_id=asked.item["id"],
        action=asked.action(button),
        **kwargs,
    )


async def tasks(client: httpx.AsyncClient) -> list[str]:
    return [task["title"] for task in (await client.get("/api/ada/tasks")).json()["data"]]


async def last_reply(client: httpx.AsyncClient, asked: Asked) -> dict[str, Any]:
    path = f"/api/ada/conversations/{asked.thread_id}/messages"
    reply: dict[str, Any] = (await client.get(path, params={"order": "desc"})).json()["data"][0]
    return reply


async def test_paused_run_is_told_as_waiting_everywhere(
    client: httpx.AsyncClient, asked: Asked
) -> None:
    run = (await client.get(f"/api/ada/runs/{asked.run_id}")).json()
    assert run["status"] == "waiting"
    assert run["ended_at"] is None
    reply = await last_reply(client, asked)
    assert reply["status"] == "waiting"
    (call,) = reply["tool_calls"]
    assert (call["status"], call["subject"]) == ("requested", "buy milk")
    conversation = (await client.get(f"/api/ada/conversations/{asked.thread_id}")).json()
    assert conversation["last_run_status"] == "waiting"
    response = await ask(client, "threads.get_by_id", thread_id=asked.thread_id)
    assert RUN_HEADER not in response.headers
    assert response.json()["items"]["data"][-1] == asked.item
    assert await tasks(client) == ["buy milk"]


async def test_approved_call_is_carried_out_and_replied_to(
    client: httpx.AsyncClient, asked: Asked
) -> None:
    events = events_of(await press(client, asked, "confirm"))
    assert kinds(events)[:5] == [
        "stream_options",
        *("thread.item.replaced", "client_effect"),
        *("thread.item.replaced", "client_effect"),
    ]
    assert [events[n]["data"]["status"] for n in (2, 4)] == ["running", "success"]
    assert reply_of(events) == MODEL_SAYS
    assert await tasks(client) == []
    reply = await last_reply(client, asked)
    assert reply["status"] == "completed"
    assert reply["tool_calls"][0]["status"] == "success"
    items = (await json_of(client, "items.list", thread_id=asked.thread_id))["data"]
    assert "widget" not in {item["type"] for item in items}
    assert events[3]["item"] in items


async def test_denied_call_is_not_carried_out(client: httpx.AsyncClient, asked: Asked) -> None:
    events = events_of(await press(client, asked, "cancel"))
    assert kinds(events)[:2] == ["stream_options", "thread.item.replaced"]
    assert reply_of(events) == MODEL_SAYS
    assert await tasks(client) == ["buy milk"]
    assert (await last_reply(client, asked))["tool_calls"][0]["status"] == "denied"


async def test_second_tab_gets_the_first_outcome(client: httpx.AsyncClient, asked: Asked) -> None:
    tabs = await asyncio.gather(
        *(press(client, asked, "confirm", key=f"tab{n}") for n in range(5)),
        press(client, asked, "confirm", key="tab0"),
    )
    bodies = {response.text for response in tabs}
    assert len(bodies) == 1
    late = await press(client, asked, "confirm", key="late")
    assert late.text in bodies
    problem = assert_problem(await press(client, asked, "cancel"), 409)
    assert problem["type"] == "urn:verbatim:problem:already-approved"
    assert problem["detail"] == "This call was approved before."
    run = (await client.get(f"/api/ada/runs/{asked.run_id}")).json()
    assert run["status"] == "completed"


async def test_answer_of_a_decision_is_resumed_by_its_events_ids(
    client: httpx.AsyncClient, asked: Asked
) -> None:
    client.headers["Verbatim-Frames"] = "id"
    whole = await press(client, asked, "confirm")
    assert whole.headers[RUN_HEADER] == asked.run_id
    blocks = [block for block in whole.text.split("\n\n") if block.startswith("id:")]
    for number, block in enumerate(blocks):
        last = block.partition("\n")[0].removeprefix("id: ")
        rest = await client.get(
            f"/chatkit/runs/{asked.run_id}/stream", headers={"Last-Event-ID": last}
        )
        resumed = [part for part in rest.text.split("\n\n") if part.startswith("id:")]
        assert blocks[: number + 1] + resumed == blocks


async def test_new_token_decides_what_an_expired_one_asked_for(
    client_of: Clients, asked: Asked
) -> None:
    expired = client_of("ada")
    claims = jwt.decode(token_of("ada"), options={"verify_signature": False})
    token = jwt.encode(claims | {"exp": claims["iat"] - 60}, SECRET)
    expired.headers["Authorization"] = f"Bearer {token}"
    assert_problem(await press(expired, asked, "confirm"), 401)
    again = client_of("ada")
    assert reply_of(events_of(await press(again, asked, "confirm"))) == MODEL_SAYS
    assert await tasks(again) == []


async def test_stop_ends_a_paused_run(client: httpx.AsyncClient, asked: Asked) -> None:
    assert (await client.delete(f"/chatkit/runs/{asked.run_id}")).status_code == 204
    assert (await client.delete(f"/api/ada/runs/{asked.run_id}")).status_code == 204
    assert (await client.get(f"/api/ada/runs/{asked.run_id}")).json()["status"] == "cancelled"
    assert_problem(await press(client, asked, "confirm"), 409)
    items = (await json_of(client, "items.list", thread_id=asked.thread_id))["data"]
    assert "widget" not in {item["type"] for item in items}
    assert await tasks(client) == ["buy milk"]


async def test_message_instead_of_a_decision_is_one(
    client: httpx.AsyncClient, asked: Asked
) -> None:
    events = await say(client, "no, keep it", asked.thread_id)
    (replaced,) = (e["item"] for e in events if e["type"] == "thread.item.replaced")
    assert replaced["id"] == asked.call_id
    items = (await json_of(client, "items.list", thread_id=asked.thread_id, order="asc"))["data"]
    assert replaced in items
    assert (await client.get(f"/api/ada/runs/{asked.run_id}")).json()["status"] == "cancelled"
    assert await tasks(client) == ["buy milk"]


async def test_decision_over_rest_answers_at_once(client: httpx.AsyncClient, asked: Asked) -> None:
    answer = await client.post(asked.path, json={"decision": "deny", "reason": "It is Bob's."})
    assert answer.json() == {
        "run_id": asked.run_id,
        "call_id": asked.call_id,
        "decision": "deny",
        "is_first": True,
    }
    again = await client.post(asked.path, json={"decision": "deny"})
    assert again.json()["is_first"] is False
    assert_problem(await client.post(asked.path, json={"decision": "approve"}), 409)
    await client.get(f"/api/ada/runs/{asked.run_id}/stream")
    (call,) = (await last_reply(client, asked))["tool_calls"]
    assert (call["status"], call["error"]) == ("denied", "It is Bob's.")


async def test_decision_over_rest_streams_the_rest(client: httpx.AsyncClient, asked: Asked) -> None:
    answer = await client.post(
        asked.path, json={"decision": "approve"}, headers={"Accept": "text/event-stream"}
    )
    events = parse(answer.text)
    assert [event.name for event in events[:3]] == [
        "conversation",
        "stream_options",
        "thread.item.replaced",
    ]
    assert events[-1].data["item"]["content"][0]["text"] == MODEL_SAYS


async def test_message_over_rest_is_answered_when_its_run_pauses(
    client: httpx.AsyncClient, asked: Asked, model: ScriptedModel
) -> None:
    ask_again = function_call("delete_task", {"task_id": "t9"}, call_id="call_2")
    events_of(await press(client, asked, "cancel"))
    await say(client, "anything else?", asked.thread_id)
    model.extend([[ask_again]])
    sent = {"message": "delete it after all", "conversation_id": asked.thread_id}
    answer = (await client.post("/api/ada/chat", json=sent)).json()
    assert answer["status"] == "waiting"
    (call,) = answer["tool_calls"]
    assert (call["status"], call["subject"]) == ("requested", "")


async def test_others_decide_nothing(
    client: httpx.AsyncClient, eve: httpx.AsyncClient, asked: Asked
) -> None:
    # Her own reads wait for what she wrote, so now the run can be known to be hers.
    await client.get(f"/api/ada/runs/{asked.run_id}")
    assert_problem(await press(eve, asked, "confirm"), 403)
    assert_problem(await eve.post(asked.path, json={"decision": "approve"}), 403)
    own_path = asked.path.replace("/ada/", "/eve/")
    assert_problem(await eve.post(own_path, json={"decision": "approve"}), 403)


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        (None, 422),
        ({"run_id": "x", "call_id": "y"}, 422),
        ({"run_id": ["x"], "call_id": {}}, 422),
        ({"run_id": "01a1f89a-a084-74e5-aa55-4c307a5ced8b"}, 422),
    ],
    ids=["nothing", "no_ids", "no_text", "half"],
)
async def test_malformed_decision_is_refused(
    client: httpx.AsyncClient, asked: Asked, payload: Any, status: int
) -> None:
    action = {"type": "verbatim.approve", "payload": payload}
    response = await ask(client, "threads.custom_action", thread_id=asked.thread_id, action=action)
    assert_problem(response, status)


async def test_decision_is_about_a_call_of_its_thread_and_its_item(
    client: httpx.AsyncClient, asked: Asked, node: Node
) -> None:
    other = thread_of(await say(client, "something else"))
    elsewhere = await ask(
        client, "threads.custom_action", thread_id=other, action=asked.action("confirm")
    )
    assert_problem(elsewhere, 404)
    wrong_item = await ask(
        client,
        "threads.custom_action",
        thread_id=asked.thread_id,
        item_id=str(new_id()),
        action=asked.action("confirm"),
    )
    assert_problem(wrong_item, 422)
    unstreamed = await ask(
        client,
        "threads.sync_custom_action",
        thread_id=asked.thread_id,
        item_id=asked.item["id"],
        action=asked.action("confirm"),
    )
    assert_problem(unstreamed, 422)
    unknown = asked.path.rpartition("/")[0] + f"/{new_id()}"
    assert_problem(await client.post(unknown, json={"decision": "approve"}), 404)
    recorded = await node.store.read_stream(c.stream_of(asked.thread_id))
    assert isinstance(recorded[-1].event, c.RunPaused)
