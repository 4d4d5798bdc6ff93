"""`verbatim events trace`: cause and effect in a run."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from agents.testing import ScriptedModel, assistant_message, function_call

from agent.sending import Sent
from events import conversation as c
from events import task as t
from events.event import Event
from events.ids import new_id
from tests.agent_node import agent_node
from tests.integration.cli.command_line import on_database
from tests.integration.cli.history import HOSTILE, erase
from tests.log_node import append_to, log_node, new_stream

MILK = function_call("add_task", {"title": "buy milk"}, call_id="call_a")
BREAD = function_call("add_task", {"title": "buy bread"}, call_id="call_b")


async def two_runs(url: str) -> tuple[Sent, Sent]:
    """Two calls of one response, and another run that calls under the same provider's id."""
    model = ScriptedModel(
        [
            [MILK, BREAD],
            [assistant_message("Added both.")],
            [MILK],
            [assistant_message("Again.")],
        ]
    )
    async with agent_node(url, model) as node:
        first: Sent = await node.say("add buy milk and bread \x1b[2J")
        await node.frames(first.run_id)
        second: Sent = await node.say("once more", first.conversation_id)
        await node.frames(second.run_id)
        await node.log.sealer.seal()
    return first, second


def outline(steps: list[dict[str, Any]], depth: int = 0) -> Iterator[str]:
    for step in steps:
        yield "  " * depth + step["topic"].partition(".")[2]
        yield from outline(step["caused"], depth + 1)


async def test_trace_shows_what_led_to_what(database_url: str) -> None:
    first, second = await two_runs(database_url)
    line = on_database(database_url)
    (told,) = line.answer("events", "trace", str(first.run_id), "--json").rows()
    assert told["conversation_id"] == first.conversation_id
    assert list(outline(told["steps"])) == [
        "user_message_posted",
        "  run_requested",
        "    run_started",
        "      model_responded",
        "        tool_called",
        "          added",
        "          tool_completed",
        "        tool_called",
        "          added",
        "          tool_completed",
        "      model_responded",
        "        assistant_message_posted",
        "    run_completed",
    ]
    (message,) = told["steps"]
    calls = message["caused"][0]["caused"][0]["caused"][0]["caused"]
    for call in calls:
        added = call["caused"][0]
        assert added["data"]["call_id"] == call["data"]["call_id"]
        assert added["metadata"]["causation_id"] == call["data"]["call_id"]
        assert added["data"]["title"] in call["data"]["arguments"]
    (other,) = line.answer("events", "trace", str(second.run_id), "--json").rows()
    assert list(outline(other["steps"])).count("          added") == 1
    said = line.answer("events", "trace", str(first.run_id)).out.splitlines()
    assert said[0].endswith("  user: add buy milk and bread \\x1b[2J")
    assert f"      run {first.run_id} requested (message)" in said[1]
    assert "                  task added: buy milk (task-" in "\n".join(said)


async def test_trace_of_an_erased_run_keeps_its_skeleton(database_url: str) -> None:
    first, _ = await two_runs(database_url)
    await erase(database_url, "ada")
    line = on_database(database_url)
    ran = line.answer("events", "trace", str(first.run_id))
    assert "milk" not in ran.out
    assert "Content was erased" in ran.complaint()
    lines = ran.out.splitlines()
    assert all(text.endswith("(erased)") for text in lines)
    assert sum("task added" in text for text in lines) == 2
    (told,) = line.answer("events", "trace", str(first.run_id), "--json").rows()
    assert all(step["is_erased"] and step["data"] is None for step in told["steps"])


async def test_trace_names_the_attempt_that_went_on(database_url: str) -> None:
    """A call that was asked for, taken over and made again; another owner's event claims it."""
    run_id, call_id, stream_id = str(new_id()), str(new_id()), new_stream()
    call = {"run_id": run_id, "call_id": call_id, "provider_call_id": "p1", "name": "add_task"}
    asked = {"type": "function_call", "call_id": "p1", "name": "add_task", "arguments": "{}"}
    started = {"run_id": run_id, "model": "m", "context_event_ids": (), "context_tokens": 1}
    events: tuple[Event, ...] = (
        c.Started(),
        c.UserMessagePosted(message_id="m1", text=HOSTILE),
        c.RunRequested(run_id=run_id, message_id="m1"),
        c.RunStarted(attempt=1, context_hash="00", **started),
        c.ModelResponded(run_id=run_id, attempt=1, response_id="r", items=(asked,)),
        c.ToolCalled(attempt=1, arguments="{}", **call),
        c.RunResumed(run_id=run_id, attempt=2),
        c.ToolCalled(attempt=2, arguments="{}", **call),
        c.ToolCompleted(run_id=run_id, call_id=call_id, output="{}"),
        c.RunStarted(attempt=2, context_hash="00", **started),
        c.RunFailed(run_id=run_id, code="internal", message="It broke."),
    )
    async with log_node(database_url, size=6) as node:
        append = replace(append_to(stream_id, 0, *events), actor=f"agent:{run_id}")
        await node.store.append(append)
        added = append_to(f"task-{new_id()}", 0, t.Added(title="theirs", call_id=call_id))
        foreign = replace(added, owner_id="eve", causation_id=call_id, correlation_id=run_id)
        await node.store.append(foreign)
        await node.store.append(
            replace(foreign, owner_id="ada", stream_id=f"task-{new_id()}", correlation_id=None)
        )
        await node.pool.execute("SELECT verbatim.seal(100)")
    line = on_database(database_url)
    (told,) = line.answer("events", "trace", run_id, "--json").rows()
    assert list(outline(told["steps"])) == [
        "user_message_posted",
        "  run_requested",
        "    run_started",
        "      model_responded",
        "        tool_called",
        "          tool_called",
        "          tool_completed",
        "          added",
        "    run_resumed",
        "      run_started",
        "    run_failed",
    ]


def test_trace_of_what_does_not_exist(database_url: str) -> None:
    line = on_database(database_url)
    ran = line.run("events", "trace", str(uuid.uuid4()))
    assert (ran.code, ran.out) == (1, "")
    assert "There is no run" in ran.complaint()


@pytest.mark.parametrize("run_id", ["milk", ""])
def test_trace_of_no_run_id_is_wrong_usage(database_url: str, run_id: str) -> None:
    assert on_database(database_url).run("events", "trace", run_id).code == 2
