"""Two messages to one conversation: the second waits, is refused, or interrupts."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import AsyncExitStack
from typing import Any

import pytest
from agents.testing import ScriptedModel, assistant_message

from agent.sending import Message, Sent
from commands.errors import Rejected
from commands.run import SUPERSEDED_REASON
from events import conversation as c
from tests.agent_node import AgentNode, agent_node
from tests.wire import Hang, Text

from .wired import text_begun, topics, wire_model

#: What a run says and does; its requests come in between, as they were sent.
OF_WORK = (
    c.RunStarted
    | c.RunResumed
    | c.ModelResponded
    | c.AssistantMessagePosted
    | c.RunCompleted
    | c.RunCancelled
    | c.RunInterrupted
)


async def send(node: AgentNode, text: str, conversation_id: str, policy: str = "enqueue") -> Sent:
    return await node.sender.send("ada", conversation_id, Message(text=text, policy=policy))


def worked(events: list[Any]) -> list[str]:
    """The runs in the order they worked, one entry for each stretch of events."""
    stretches: list[str] = []
    for event in events:
        if isinstance(event, OF_WORK) and stretches[-1:] != [event.run_id]:
            stretches.append(event.run_id)
    return stretches


def requested(events: list[Any]) -> list[str]:
    return [event.run_id for event in events if isinstance(event, c.RunRequested)]


async def until(node: AgentNode, conversation_id: str, kind: type[Any], count: int) -> list[Any]:
    """The events once so many of a kind are there."""
    async with asyncio.timeout(40):
        while True:
            events = await node.events(conversation_id)
            if sum(isinstance(event, kind) for event in events) >= count:
                return events
            await asyncio.sleep(0.05)


async def test_three_nodes_sending_at_once_answer_one_after_the_other(database_url: str) -> None:
    async with AsyncExitStack() as stack:
        replies = [[assistant_message(f"reply {n}")] for n in range(12)]
        model = ScriptedModel(replies)
        nodes = [await stack.enter_async_context(agent_node(database_url, model)) for _ in range(3)]
        first = await nodes[0].say("0")
        conversation_id = first.conversation_id
        sends = [send(nodes[n % 3], str(n + 1), conversation_id) for n in range(9)]
        sent = [first, *await asyncio.gather(*sends)]
        await asyncio.gather(*(nodes[0].frames(one.run_id) for one in sent))
        events = await nodes[0].events(conversation_id)
        assert worked(events) == requested(events)
        assert topics(events).count("run_completed") == 10
        # Each context holds the replies to all earlier messages, and none of a later one.
        for n, call in enumerate(model.calls):
            roles = [item["role"] for item in call.input if item.get("type") == "message"]
            assert roles[-1] == "user"
            assert roles[-2:-1] == (["assistant"] if n else [])
            assert len(roles) == min(2 * n + 1, 15)


async def test_queued_run_survives_a_crash_of_every_node(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.leases.EXPIRED_SECONDS", 2.0)
    monkeypatch.setattr("agent.supervisor.LOOK_SECONDS", 0.1)
    monkeypatch.setattr("agent.supervisor.HEARTBEAT_SECONDS", 0.3)
    async with wire_model(Hang(after_chunks=3), Text("One."), Text("Two.")) as model:
        async with (
            agent_node(database_url, model, is_crashing=True) as one,
            agent_node(database_url, model, is_crashing=True) as two,
        ):
            first = await one.say("1")
            await text_begun(one, first)
            second = await send(two, "2", first.conversation_id)
        async with agent_node(database_url, model) as node:
            await node.frames(second.run_id)
            events = await node.events(first.conversation_id)
            assert [e.text for e in events if isinstance(e, c.AssistantMessagePosted)] == [
                "One.",
                "Two.",
            ]
            assert worked([e for e in events if not isinstance(e, c.RunResumed)]) == [
                str(first.run_id),
                str(second.run_id),
            ]
            assert not await node.leases.count()


async def test_reject_stores_nothing(database_url: str) -> None:
    async with wire_model(Hang(after_chunks=3)) as model:
        async with agent_node(database_url, model) as one, agent_node(database_url, model) as two:
            first = await one.say("1")
            await text_begun(one, first)
            before = await two.events(first.conversation_id)
            with pytest.raises(Rejected) as refused:
                await send(two, "2", first.conversation_id, "reject")
            assert refused.value.code == "run_unfinished"
            assert await two.events(first.conversation_id) == before
            assert await two.leases.count() == 1
            await one.leases.request_cancel(first.run_id, "ada")
            await one.frames(first.run_id)


async def test_reject_lets_one_of_three_nodes_in(database_url: str) -> None:
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(wire_model(Text("Hello."), Hang(after_chunks=3)))
        nodes = [await stack.enter_async_context(agent_node(database_url, model)) for _ in range(3)]
        first = await nodes[0].say("1")
        await nodes[0].frames(first.run_id)
        answers = await asyncio.gather(
            *(send(node, "2", first.conversation_id, "reject") for node in nodes),
            return_exceptions=True,
        )
        sent = [answer for answer in answers if isinstance(answer, Sent)]
        assert len(sent) == 1
        assert all(isinstance(a, Rejected) for a in answers if not isinstance(a, Sent))
        await nodes[0].leases.request_cancel(sent[0].run_id, "ada")
        await nodes[0].frames(sent[0].run_id)


async def test_interrupt_keeps_what_was_said_and_starts_the_new_run(database_url: str) -> None:
    async with wire_model(Hang(after_chunks=3), Text("Two.")) as model:
        async with agent_node(database_url, model) as one, agent_node(database_url, model) as two:
            first = await one.say("1")
            await text_begun(one, first)
            second = await send(two, "2", first.conversation_id, "interrupt")
            async with asyncio.timeout(5):
                left = await one.frames(first.run_id)
                await two.frames(second.run_id)
            assert left[-1].is_last
            events = await two.events(first.conversation_id)
            assert topics(events)[4:] == [
                "run_interrupt_requested",
                "user_message_posted",
                "run_requested",
                "assistant_message_posted",
                "run_interrupted",
                "run_started",
                "model_responded",
                "assistant_message_posted",
                "run_completed",
            ]
            partial, interrupted = events[7:9]
            assert partial.is_partial
            assert (interrupted.run_id, interrupted.reason) == (
                str(first.run_id),
                SUPERSEDED_REASON,
            )


async def test_interrupt_makes_every_queued_run_way(database_url: str) -> None:
    async with wire_model(Hang(after_chunks=3), Text("Last.")) as model:
        async with agent_node(database_url, model) as one, agent_node(database_url, model) as two:
            first = await one.say("1")
            await text_begun(one, first)
            queued = [await send(n, "more", first.conversation_id) for n in (one, two)]
            last = await send(two, "stop, this instead", first.conversation_id, "interrupt")
            await asyncio.gather(*(one.frames(s.run_id) for s in (first, *queued, last)))
            events = await two.events(first.conversation_id)
            ended = {e.run_id for e in events if isinstance(e, c.RunInterrupted)}
            assert ended == {str(s.run_id) for s in (first, *queued)}
            completed = [e.run_id for e in events if isinstance(e, c.RunCompleted)]
            assert completed == [str(last.run_id)]


async def test_interruption_survives_the_crash_of_both_nodes(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event is stored and nobody has told the running run yet, when both nodes die."""

    async def nothing(*args: Any) -> bool:
        return True

    async with wire_model(Hang(after_chunks=3), Hang(after_chunks=3), Text("Two.")) as model:
        async with (
            agent_node(database_url, model, is_crashing=True) as one,
            agent_node(database_url, model, is_crashing=True) as two,
        ):
            first = await one.say("1")
            await text_begun(one, first)
            monkeypatch.setattr(two.leases, "request_cancel", nothing)
            second = await send(two, "2", first.conversation_id, "interrupt")
        # Not before: a busy machine would have them take over from each other.
        monkeypatch.setattr("agent.leases.EXPIRED_SECONDS", 2.0)
        monkeypatch.setattr("agent.supervisor.LOOK_SECONDS", 0.1)
        monkeypatch.setattr("agent.supervisor.HEARTBEAT_SECONDS", 0.3)
        async with agent_node(database_url, model) as node:
            events = await until(node, first.conversation_id, c.RunCompleted, 1)
            ends = [e.run_id for e in events if isinstance(e, c.RunInterrupted | c.RunCompleted)]
            assert ends == [str(first.run_id), str(second.run_id)]


async def test_waiting_run_is_stopped_without_its_turn(database_url: str) -> None:
    async with wire_model(Hang(after_chunks=3)) as model:
        async with agent_node(database_url, model) as one, agent_node(database_url, model) as two:
            first = await one.say("1")
            await text_begun(one, first)
            second = await send(two, "2", first.conversation_id)
            assert await one.leases.request_cancel(second.run_id, "ada")
            async with asyncio.timeout(5):
                await one.frames(second.run_id)
            assert await one.leases.request_cancel(uuid.UUID(str(first.run_id)), "ada")
            await one.frames(first.run_id)
            events = await one.events(first.conversation_id)
            ended = [e.run_id for e in events if isinstance(e, c.RunCancelled)]
            assert ended == [str(second.run_id), str(first.run_id)]
