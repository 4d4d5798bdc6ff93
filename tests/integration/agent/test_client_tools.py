"""Calls that the user's page carries out: handed over once, and then the run is over."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from agents.testing import ScriptedModel, assistant_message, function_call

from agent.client_tools import HANDED_OVER, ONE_AT_A_TIME
from agent.frames import Frame
from agent.recorder import RunRecorder
from agent.tool_server import ToolDefinition
from events import conversation as c
from tests.agent_node import AgentNode, agent_node

from .wired import topics

MAP = ToolDefinition("open_map", "Shows a place.", {"type": "object", "properties": {}})
CLIENT = (MAP,)


def asking(*names: str, title: str = "Rome") -> ScriptedModel:
    calls = [
        function_call(name, {"title": title}, call_id=name + str(n)) for n, name in enumerate(names)
    ]
    return ScriptedModel([calls, [assistant_message("Too much.")]])


def handed_over(frames: list[Frame]) -> list[dict[str, Any]]:
    events = [orjson.loads(frame.body) for frame in frames if frame.body]
    items = [event["item"] for event in events if event["type"] == "thread.item.done"]
    return [item for item in items if item["type"] == "client_tool_call"]


async def items_put(node: AgentNode, conversation_id: str) -> list[dict[str, Any]]:
    events = await node.events(conversation_id)
    return [event.item for event in events if isinstance(event, c.ThreadItemPut)]


async def test_call_is_put_into_the_thread_and_ends_the_run(database_url: str) -> None:
    model = asking("open_map", title="Rome\0")
    async with agent_node(database_url, model, client=CLIENT) as node:
        sent = await node.say("where is Rome?")
        (item,) = handed_over(await node.frames(sent.run_id))
        assert await items_put(node, sent.conversation_id) == [item]
        events = await node.events(sent.conversation_id)
    assert (item["status"], item["name"]) == ("pending", "open_map")
    assert item["arguments"] == {"title": "Rome\ufffd"}
    assert len(model.calls) == 1
    assert {tool.name for tool in model.calls[0].tools} >= {"add_task", "open_map"}
    assert topics(events)[-4:] == [
        "tool_called",
        "tool_completed",
        "thread_item_put",
        "run_completed",
    ]


async def test_other_calls_of_the_response_are_carried_out_and_one_is_handed_over(
    database_url: str,
) -> None:
    model = asking("add_task", "open_map", "open_map", "no_such_tool")
    async with agent_node(database_url, model, client=CLIENT) as node:
        sent = await node.say("please")
        assert len(handed_over(await node.frames(sent.run_id))) == 1
        events = await node.events(sent.conversation_id)
    failed = [event.error for event in events if isinstance(event, c.ToolFailed)]
    assert sorted(failed) == [ONE_AT_A_TIME, "There is no tool called no_such_tool."]
    done = [event.output for event in events if isinstance(event, c.ToolCompleted)]
    assert len(done) == 2
    assert HANDED_OVER in done
    assert len(model.calls) == 1


async def test_call_that_needs_approval_is_handed_over_once_it_is_granted(
    database_url: str,
) -> None:
    model = asking("open_map")
    async with agent_node(database_url, model, client=CLIENT, approval_tools=("open_map",)) as node:
        sent = await node.say("where is Rome?")
        assert handed_over(await node.frames(sent.run_id)) == []
        events = await node.events(sent.conversation_id)
        (asked,) = [e.call_id for e in events if isinstance(e, c.ToolApprovalRequested)]
        decided = await node.decide(sent, asked, True)
        assert len(handed_over(await node.frames(sent.run_id, decided.after_seq))) == 1
        assert topics(await node.events(sent.conversation_id))[-1] == "run_completed"
    assert len(model.calls) == 1


@pytest.mark.parametrize("point", ["finish_tool", "complete"])
async def test_worker_killed_at_the_handing_over_is_followed_by_one_that_ends_the_run(
    database_url: str, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    monkeypatch.setattr("agent.leases.EXPIRED_SECONDS", 0.3)
    monkeypatch.setattr("agent.supervisor.LOOK_SECONDS", 0.1)
    model, reached = asking("open_map"), asyncio.Event()

    async def hang(*_: Any) -> None:
        reached.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(RunRecorder, point, hang)
        async with agent_node(database_url, model, client=CLIENT, is_crashing=True) as node:
            sent = await node.say("where is Rome?")
            async with asyncio.timeout(30):
                await reached.wait()
    async with agent_node(database_url, model, client=CLIENT) as node:
        (item,) = handed_over(await node.frames(sent.run_id))
        assert await items_put(node, sent.conversation_id) == [item]
        assert topics(await node.events(sent.conversation_id))[-1] == "run_completed"
    assert len(model.calls) == 1
