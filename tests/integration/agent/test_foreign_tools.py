"""Tools of a server that is not ours, a stock one in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from agents.testing import ScriptedModel, assistant_message, function_call

from agent import foreign_servers
from agent.call_execution import LOST_OUTCOME
from agent.foreign_servers import ForeignServer, ForeignTools
from events import conversation as c
from tests.agent_node import AgentNode, agent_node
from tests.foreign_server import Foreign, foreign_server

from .wired import topics

ALLOWED = frozenset({"note", "hold", "big", "fail", "heard"})


@pytest.fixture
async def foreign(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Foreign]:
    async with foreign_server(tmp_path, getattr(request, "param", "sse")) as server:
        yield server


def tools_of(foreign: Foreign, seconds: float = 10, **changes: Any) -> list[ForeignTools]:
    server = {"name": "others", "url": foreign.url, "allowed_tools": ALLOWED, **changes}
    return [ForeignTools(ForeignServer(**server), timeout_seconds=seconds)]


def calling(name: str, **arguments: Any) -> ScriptedModel:
    call = function_call(name, arguments, call_id="a")
    return ScriptedModel([[call], [assistant_message("That was that.")]])


async def outcomes(node: AgentNode, conversation_id: str) -> list[Any]:
    kinds = c.ToolCompleted | c.ToolFailed | c.ToolOutcomeUnknown
    return [e for e in await node.events(conversation_id) if isinstance(e, kinds)]


async def outcome_of(database_url: str, model: ScriptedModel, tools: list[ForeignTools]) -> Any:
    """Of the only call of a run that is begun and ended here."""
    async with agent_node(database_url, model, foreign=tools) as node:
        sent = await node.say("please")
        await node.frames(sent.run_id)
        (outcome,) = await outcomes(node, sent.conversation_id)
        assert topics(await node.events(sent.conversation_id))[-1] == "run_completed"
        return outcome


async def test_allowed_tools_are_offered_beside_ours_and_called(
    database_url: str, foreign: Foreign
) -> None:
    model = calling("others__note", text="milk")
    outcome = await outcome_of(database_url, model, tools_of(foreign))
    assert outcome == c.ToolCompleted(
        run_id=outcome.run_id, call_id=outcome.call_id, output="noted milk"
    )
    assert foreign.lines() == ["milk"]
    offered = {tool.name for tool in model.calls[0].tools}
    assert offered >= {"add_task", *(f"others__{name}" for name in ALLOWED)}
    assert "others__forbidden" not in offered


async def test_tool_that_is_not_allowed_is_never_called(
    database_url: str, foreign: Foreign
) -> None:
    outcome = await outcome_of(database_url, calling("others__forbidden"), tools_of(foreign))
    assert isinstance(outcome, c.ToolFailed)
    (tools,) = tools_of(foreign)
    assert (await tools.call("others__forbidden", {})).is_error
    assert foreign.lines() == []


async def test_server_hears_its_own_token_and_nothing_of_the_user(
    database_url: str, foreign: Foreign
) -> None:
    told = await outcome_of(database_url, calling("others__heard"), tools_of(foreign))
    assert told.output.startswith("[] ")
    assert "verbatim" not in told.output
    theirs = tools_of(foreign, token="theirs")
    told = await outcome_of(database_url, calling("others__heard"), theirs)
    assert told.output.startswith("[('authorization', 'Bearer theirs')] ")


async def test_failure_of_the_tool_is_a_failure(database_url: str, foreign: Foreign) -> None:
    outcome = await outcome_of(database_url, calling("others__fail"), tools_of(foreign))
    assert isinstance(outcome, c.ToolFailed)
    assert "no such luck" in outcome.error


async def test_silent_server_is_asked_once_and_its_outcome_is_unknown(
    database_url: str, foreign: Foreign
) -> None:
    model = calling("others__hold", text="milk")
    outcome = await outcome_of(database_url, model, tools_of(foreign, seconds=1))
    assert isinstance(outcome, c.ToolOutcomeUnknown)
    assert foreign.lines() == ["milk"]
    (output,) = [i for i in model.calls[1].input if i.get("type") == "function_call_output"]
    assert "unknown" in output["output"]


@pytest.mark.parametrize("foreign", ["sse", "json"], indirect=True)
async def test_answer_that_is_too_large_is_not_read(database_url: str, foreign: Foreign) -> None:
    model = calling("others__big", size=foreign_servers.ANSWER_BYTES + 1)
    outcome = await outcome_of(database_url, model, tools_of(foreign, seconds=5))
    assert isinstance(outcome, c.ToolOutcomeUnknown)
    assert foreign.lines() == ["big"]


async def test_long_answer_is_cut(database_url: str, foreign: Foreign) -> None:
    outcome = await outcome_of(database_url, calling("others__big", size=50_000), tools_of(foreign))
    assert isinstance(outcome, c.ToolCompleted)
    assert len(outcome.output) <= 11_000
    assert outcome.adjusted


async def test_server_killed_in_the_call_leaves_it_unknown_and_shown_so(
    database_url: str, foreign: Foreign
) -> None:
    tools = tools_of(foreign)
    model = calling("others__hold", text="milk")
    async with agent_node(database_url, model, foreign=tools) as node:
        sent = await node.say("please")
        await foreign.until_acted()
        await foreign.kill()
        shown = await node.shown(sent.run_id)
        (outcome,) = await outcomes(node, sent.conversation_id)
        assert isinstance(outcome, c.ToolOutcomeUnknown)
        done = [e["item"] for e in shown if e["type"] == "thread.item.done"]
        (badge,) = [item["task"] for item in done if item["type"] == "task"]
        assert badge["status_indicator"] == "complete"
        assert "unknown" in badge["content"]


async def test_server_that_is_away_has_done_nothing(database_url: str, foreign: Foreign) -> None:
    tools = tools_of(foreign)
    await tools[0].tools()
    await foreign.kill()
    outcome = await outcome_of(database_url, calling("others__note", text="milk"), tools)
    assert isinstance(outcome, c.ToolFailed)
    assert "nothing was done" in outcome.error


async def test_run_goes_on_without_a_server_that_lists_nothing(
    database_url: str, foreign: Foreign
) -> None:
    await foreign.kill()
    model = ScriptedModel([[assistant_message("Hello.")]])
    async with agent_node(database_url, model, foreign=tools_of(foreign)) as node:
        sent = await node.say("hello")
        await node.frames(sent.run_id)
        assert topics(await node.events(sent.conversation_id))[-1] == "run_completed"
        assert "add_task" in {tool.name for tool in model.calls[0].tools}


async def test_worker_killed_in_the_call_never_asks_again(
    database_url: str, foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.leases.EXPIRED_SECONDS", 2.0)
    monkeypatch.setattr("agent.supervisor.LOOK_SECONDS", 0.1)
    monkeypatch.setattr("agent.supervisor.HEARTBEAT_SECONDS", 0.3)
    tools = tools_of(foreign)
    model = calling("others__hold", text="milk")
    async with agent_node(database_url, model, foreign=tools, is_crashing=True) as node:
        sent = await node.say("please")
        await foreign.until_acted()
    foreign.let_go()
    async with agent_node(database_url, model, foreign=tools) as node:
        await node.frames(sent.run_id)
        (outcome,) = await outcomes(node, sent.conversation_id)
        assert (type(outcome), outcome.reason) == (c.ToolOutcomeUnknown, LOST_OUTCOME)
        assert topics(await node.events(sent.conversation_id))[-1] == "run_completed"
    assert foreign.lines() == ["milk"]


async def test_call_that_was_recorded_and_not_begun_is_made_once(
    database_url: str, foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.leases.EXPIRED_SECONDS", 2.0)
    monkeypatch.setattr("agent.supervisor.LOOK_SECONDS", 0.1)
    monkeypatch.setattr("agent.supervisor.HEARTBEAT_SECONDS", 0.3)

    async def hang(*args: Any) -> None:
        await asyncio.sleep(60)

    model = calling("others__note", text="milk")
    with monkeypatch.context() as before:
        before.setattr("agent.recorder.RunRecorder.begin_tool", hang)
        async with agent_node(
            database_url, model, foreign=tools_of(foreign), is_crashing=True
        ) as node:
            sent = await node.say("please")
            async with asyncio.timeout(20):
                while "tool_called" not in topics(await node.events(sent.conversation_id)):
                    await asyncio.sleep(0.02)
    async with agent_node(database_url, model, foreign=tools_of(foreign)) as node:
        await node.frames(sent.run_id)
        (outcome,) = await outcomes(node, sent.conversation_id)
        assert isinstance(outcome, c.ToolCompleted)
    assert foreign.lines() == ["milk"]


@pytest.mark.parametrize("ending", ["stop", "timeout"])
async def test_run_that_ends_in_the_call_says_that_its_outcome_is_unknown(
    database_url: str, foreign: Foreign, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr("agent.call_execution.STOP_SECONDS", 0.3)
    seconds = 2 if ending == "timeout" else 60
    model = calling("others__hold", text="milk")
    async with agent_node(
        database_url, model, foreign=tools_of(foreign, seconds=30), run_seconds=seconds
    ) as node:
        sent = await node.say("please")
        await foreign.until_acted()
        if ending == "stop":
            assert await node.leases.request_cancel(sent.run_id, "ada")
        done = [e["item"] for e in await node.shown(sent.run_id) if e["type"].endswith("item.done")]
        (badge,) = [item["task"] for item in done if item["type"] == "task"]
        assert badge["status_indicator"] == "complete"
        assert "unknown" in badge["content"]
        (outcome,) = await outcomes(node, sent.conversation_id)
        assert isinstance(outcome, c.ToolOutcomeUnknown)
        last = topics(await node.events(sent.conversation_id))[-1]
        assert last == ("run_cancelled" if ending == "stop" else "run_failed")


async def paused(node: AgentNode) -> tuple[Any, str]:
    """A run that asks for approval of its call, and the call."""
    sent = await node.say("please")
    await node.frames(sent.run_id)
    events = await node.events(sent.conversation_id)
    (call_id,) = [e.call_id for e in events if isinstance(e, c.ToolApprovalRequested)]
    return sent, call_id


async def test_call_that_was_granted_is_begun_and_made_once(
    database_url: str, foreign: Foreign
) -> None:
    model = calling("others__note", text="milk")
    tools = tools_of(foreign)
    async with agent_node(
        database_url, model, foreign=tools, approval_tools=("others__note",)
    ) as node:
        sent, call_id = await paused(node)
        assert foreign.lines() == []
        decided = await node.decide(sent, call_id, True)
        await node.frames(sent.run_id, decided.after_seq)
        found = topics(await node.events(sent.conversation_id))
        assert found[found.index("tool_begun") + 1] == "tool_completed"
    assert foreign.lines() == ["milk"]


async def test_granted_call_whose_worker_was_killed_is_unknown(
    database_url: str, foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.leases.EXPIRED_SECONDS", 2.0)
    monkeypatch.setattr("agent.supervisor.LOOK_SECONDS", 0.1)
    monkeypatch.setattr("agent.supervisor.HEARTBEAT_SECONDS", 0.3)
    model = calling("others__hold", text="milk")
    asking = {"foreign": tools_of(foreign), "approval_tools": ("others__hold",)}
    async with agent_node(database_url, model, is_crashing=True, **asking) as node:
        sent, call_id = await paused(node)
        decided = await node.decide(sent, call_id, True)
        await foreign.until_acted()
    foreign.let_go()
    async with agent_node(database_url, model, **asking) as node:
        await node.frames(sent.run_id, decided.after_seq)
        (outcome,) = await outcomes(node, sent.conversation_id)
        assert (type(outcome), outcome.reason) == (c.ToolOutcomeUnknown, LOST_OUTCOME)
        assert topics(await node.events(sent.conversation_id))[-1] == "run_completed"
    assert foreign.lines() == ["milk"]
