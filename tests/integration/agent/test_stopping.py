"""Stop: on any node, keeping what was said, with a few seconds for a tool that is running."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from agents.testing import ScriptedModel, assistant_message, function_call

from commands.handle import Origin
from commands.task import TASK, AddTask
from events import task
from events.ids import new_id
from tests.agent_node import AgentNode, agent_node

from .wired import topics


@asynccontextmanager
async def held_task(node: AgentNode, url: str, title: str) -> AsyncIterator[str]:
    """A task that nobody can change meanwhile."""
    task_id = str(new_id())
    origin = Origin(owner_id="ada", actor="user:ada")
    stream_id = task.stream_of(task_id)
    await node.handler.handle(TASK, stream_id, AddTask(task_id=task_id, title=title), origin)
    holder = await asyncpg.connect(url)
    try:
        async with holder.transaction():
            await holder.execute(
                "SELECT FROM verbatim.heads WHERE stream_id = $1 FOR UPDATE", stream_id
            )
            yield task_id
    finally:
        await holder.close()


def script(*task_ids: str) -> list[list[Any]]:
    calls = [function_call("complete_task", {"task_id": i}, call_id=i) for i in task_ids]
    return [calls, [assistant_message("never said")]]


async def until_calling(node: AgentNode, conversation_id: str, calls: int = 1) -> None:
    async with asyncio.timeout(20):
        while topics(await node.events(conversation_id)).count("tool_called") < calls:
            await asyncio.sleep(0.02)


async def test_running_tool_finishes_and_its_result_is_recorded(database_url: str) -> None:
    model = ScriptedModel([])
    async with agent_node(database_url, model) as node, agent_node(database_url, model) as far:
        async with held_task(node, database_url, "milk") as task_id:
            model.extend(script(task_id))
            sent = await node.say("done with milk")
            await until_calling(node, sent.conversation_id)
            await asyncio.sleep(0.3)
            assert await far.leases.request_cancel(sent.run_id, "ada")
            await asyncio.sleep(1.0)
            assert "run_cancelled" not in topics(await node.events(sent.conversation_id))
        await node.frames(sent.run_id)
        found = topics(await node.events(sent.conversation_id))
        assert found[-2:] == ["tool_completed", "run_cancelled"]
        assert len(model.calls) == 1


async def test_tools_that_take_too_long_are_left_and_called_unknown(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.call_execution.STOP_SECONDS", 0.5)
    model = ScriptedModel([])
    async with agent_node(database_url, model) as node:
        async with (
            held_task(node, database_url, "milk") as one,
            held_task(node, database_url, "eggs") as two,
        ):
            model.extend(script(one, two))
            sent = await node.say("done with both")
            await until_calling(node, sent.conversation_id, 2)
            await asyncio.sleep(0.3)
            assert await node.leases.request_cancel(sent.run_id, "ada")
            async with asyncio.timeout(10):
                shown = await node.shown(sent.run_id)
        found = topics(await node.events(sent.conversation_id))
        assert found[-3:] == ["tool_outcome_unknown", "tool_outcome_unknown", "run_cancelled"]
        done = [e["item"] for e in shown if e["type"] == "thread.item.done"]
        badges = [item["task"] for item in done if item["type"] == "task"]
        assert [badge["status_indicator"] for badge in badges] == ["complete", "complete"]
        assert all("unknown" in badge["content"] for badge in badges)
        assert len(model.calls) == 1


async def test_stop_in_the_last_turn_is_a_stop(database_url: str) -> None:
    model = ScriptedModel([])
    async with agent_node(database_url, model, turns=1) as node:
        async with held_task(node, database_url, "milk") as task_id:
            model.extend(script(task_id))
            sent = await node.say("done with milk")
            await until_calling(node, sent.conversation_id)
            await asyncio.sleep(0.3)
            assert await node.leases.request_cancel(sent.run_id, "ada")
            await asyncio.sleep(0.3)
        await node.frames(sent.run_id)
        found = topics(await node.events(sent.conversation_id))
        assert found[-2:] == ["tool_completed", "run_cancelled"]


async def test_node_that_hears_nothing_stops_within_a_second(database_url: str) -> None:
    model = ScriptedModel([])
    async with agent_node(database_url, model, can_hear=False) as node:
        async with held_task(node, database_url, "milk") as task_id:
            model.extend(script(task_id))
            sent = await node.say("done with milk")
            await until_calling(node, sent.conversation_id)
            await node.leases.request_cancel(sent.run_id, "ada")
            working = node.supervisor._working[sent.run_id]
            async with asyncio.timeout(5):
                await working.stopped.wait()
        await node.frames(sent.run_id)


async def test_run_that_takes_too_long_leaves_no_call_running(database_url: str) -> None:
    model = ScriptedModel([])
    async with agent_node(database_url, model, run_seconds=1.5) as node:
        async with held_task(node, database_url, "milk") as task_id:
            model.extend(script(task_id))
            sent = await node.say("done with milk")
            shown = await node.shown(sent.run_id)
        done = [e["item"] for e in shown if e["type"] == "thread.item.done"]
        (badge,) = [item["task"] for item in done if item["type"] == "task"]
        assert badge["status_indicator"] == "complete"
        assert badge["content"].startswith("Whether this took effect is unknown.")
        found = topics(await node.events(sent.conversation_id))
        assert found[-2:] == ["tool_outcome_unknown", "run_failed"]
