from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from agents import ModelSettings
from agents.testing import ModelStep, ScriptedModel, assistant_message
from structlog.testing import capture_logs

from agent.deleting import delete_conversation
from agent.given_contexts import given_contexts
from agent.note_writing import INSTRUCTIONS, write_by
from agent.notes import OPENING
from agent.sending import Message, Sent
from agent.summaries import Written
from agent.turns import Turn
from events import conversation as c
from events.history import HistorySummarized
from events.stored import RecordedEvent
from runtime.node import open_node
from runtime.settings import load_settings
from tests.agent_node import AgentNode, agent_node
from tests.integration.cli.command_line import AUTH_SECRET, EVENT_KEY
from tests.integration.cli.history import erase

USAGE = c.Usage(requests=1, input_tokens=9, output_tokens=3)


@dataclass
class Writer:
    """Writes numbered notes; while held it hangs, as a model can."""

    is_held: bool = False
    released: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[tuple[str, Sequence[Turn]]] = field(default_factory=list)

    async def __call__(self, notes: str, turns: Sequence[Turn]) -> Written:
        self.asked.append((notes, turns))
        number = len(self.asked)
        if self.is_held:
            await self.released.wait()
        return Written(f"notes {number}", "writer", USAGE)


def talkative() -> ScriptedModel:
    return ScriptedModel([[assistant_message(f"answer {n}")] for n in range(20)])


async def until(is_true: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not is_true():
            await asyncio.sleep(0.01)


async def ask(node: AgentNode, count: int, conversation_id: str | None = None) -> Sent:
    for number in range(count):
        sent: Sent = await node.say(f"question {number}", conversation_id)
        conversation_id = sent.conversation_id
        await node.frames(sent.run_id)
    return sent


async def summaries_of(node: AgentNode, conversation_id: str) -> list[HistorySummarized]:
    events = await node.events(conversation_id)
    return [event for event in events if isinstance(event, HistorySummarized)]


async def summarized(node: AgentNode, conversation_id: str, count: int = 1) -> None:
    async with asyncio.timeout(30):
        while len(await summaries_of(node, conversation_id)) < count:
            await asyncio.sleep(0.02)


async def test_next_context_begins_with_notes_that_can_be_proved(database_url: str) -> None:
    model, writer = talkative(), Writer()
    async with agent_node(database_url, model, context_messages=6, write=writer) as node:
        sent = await ask(node, 3)
        await summarized(node, sent.conversation_id)
        last = await ask(node, 1, sent.conversation_id)
        first, *rest = model.calls[-1].input
        assert first["role"] == "assistant"
        assert OPENING in first["content"][0]["text"]
        assert "notes 1" in first["content"][0]["text"]
        assert next(item["content"][0]["text"] for item in rest) == "question 1"
        stream = c.stream_of(sent.conversation_id)
        recorded = await node.log.store.read_stream(stream)
        (given,) = await given_contexts(recorded, str(last.run_id), node.log.keys)
        assert given.is_proved
        assert given.context is not None
        assert list(given.context.items) == model.calls[-1].input
        (summary,) = await summaries_of(node, sent.conversation_id)
        posted = [r for r in recorded if isinstance(r.event, c.UserMessagePosted)]
        assert summary.from_version == posted[0].stream_version
        assert summary.through_version < posted[1].stream_version
        assert summary.usage == USAGE


async def test_next_notes_go_on_from_the_former_ones(database_url: str) -> None:
    writer = Writer()
    async with agent_node(database_url, talkative(), context_messages=6, write=writer) as node:
        sent = await ask(node, 3)
        await summarized(node, sent.conversation_id)
        await ask(node, 1, sent.conversation_id)
        await summarized(node, sent.conversation_id, 2)
    assert [notes for notes, _ in writer.asked] == ["", "notes 1"]
    covered = [[turn.message.text for turn in turns] for _, turns in writer.asked]
    assert covered[0][0] == "question 0"
    assert not set(covered[0]) & set(covered[1])


async def test_run_does_not_wait_for_notes(database_url: str) -> None:
    model, writer = talkative(), Writer(is_held=True)
    async with agent_node(database_url, model, context_messages=4, write=writer) as node:
        sent = await ask(node, 2)
        await until(lambda: writer.asked)
        await ask(node, 1, sent.conversation_id)
        assert model.calls[-1].input[0]["role"] == "user"
        assert await summaries_of(node, sent.conversation_id) == []


async def test_notes_lost_in_a_crash_are_made_after_the_next_run(database_url: str) -> None:
    held, writer = Writer(is_held=True), Writer()
    async with agent_node(database_url, talkative(), context_messages=4, write=held) as node:
        sent = await ask(node, 2)
        await until(lambda: held.asked)
    async with agent_node(database_url, talkative(), context_messages=4, write=writer) as node:
        await ask(node, 1, sent.conversation_id)
        await summarized(node, sent.conversation_id)
        (summary,) = await summaries_of(node, sent.conversation_id)
    assert next(turn.message.text for turn in writer.asked[0][1]) == "question 0"
    assert summary.text == "notes 1"


async def test_silent_model_is_asked_again_after_the_next_run(database_url: str) -> None:
    broken = ScriptedModel([ModelStep(error=ConnectionError("gone")), [assistant_message("Notes")]])
    write = write_by(broken, ModelSettings(), "small")
    async with agent_node(database_url, talkative(), context_messages=4, write=write) as node:
        sent = await ask(node, 2)
        await until(lambda: len(broken.calls) == 1)
        await ask(node, 1, sent.conversation_id)
        await summarized(node, sent.conversation_id)
        (summary,) = await summaries_of(node, sent.conversation_id)
    assert (summary.text, summary.model) == ("Notes", "small")
    asked = broken.calls[1]
    assert asked.system_instructions == INSTRUCTIONS
    assert asked.tools == []
    assert "User: question 0" in str(asked.input)


async def test_two_nodes_record_one_summary_of_the_same_turns(database_url: str) -> None:
    writers = [Writer(is_held=True), Writer(is_held=True)]
    async with AsyncExitStack() as stack:
        nodes = [
            await stack.enter_async_context(
                agent_node(database_url, talkative(), context_messages=4, write=writer)
            )
            for writer in writers
        ]
        sent = await ask(nodes[0], 2)
        await ask(nodes[1], 1, sent.conversation_id)
        await until(lambda: writers[0].asked and writers[1].asked)
        for writer in writers:
            writer.released.set()
        await summarized(nodes[0], sent.conversation_id)
        await ask(nodes[0], 1, sent.conversation_id)
        summaries = await summaries_of(nodes[0], sent.conversation_id)
        starts = [summary.from_version for summary in summaries]
        assert starts == sorted(set(starts))


@pytest.mark.parametrize("end", ["deleted", "erased"])
async def test_conversation_that_is_gone_meanwhile_is_not_summed_up(
    database_url: str, end: str
) -> None:
    writer = Writer(is_held=True)
    async with agent_node(database_url, talkative(), context_messages=4, write=writer) as node:
        sent = await ask(node, 2)
        await until(lambda: writer.asked)
        if end == "deleted":
            await delete_conversation(node.handler, node.leases, "ada", sent.conversation_id)
        else:
            await erase(database_url, "ada")
        with capture_logs() as lines:
            writer.released.set()
            await until(lambda: lines)
        assert lines[0]["event"] == {"deleted": "summary_left", "erased": "summary_failed"}[end]
        topics = await node.log.pool.fetch("SELECT DISTINCT topic FROM verbatim.events")
        assert "conversation.history_summarized" not in {row["topic"] for row in topics}


async def test_setting_makes_the_built_in_assistant_keep_notes(database_url: str) -> None:
    settings = load_settings(
        database_url=database_url,
        event_key=EVENT_KEY,
        better_auth_secret=AUTH_SECRET,
        context_messages=4,
        context_summaries=True,
    )
    async with open_node(settings) as node:
        conversation_id = None
        for text in ("add milk", "add tea", "what is left?"):
            sent = await node.sender.send("ada", conversation_id, Message(text=text))
            conversation_id = sent.conversation_id
            async with asyncio.timeout(30):
                async for _ in node.frames.follow(sent.run_id, "ada", 0):
                    pass
        found: list[RecordedEvent] = []
        async with asyncio.timeout(30):
            while not found:
                await asyncio.sleep(0.02)
                recorded = await node.store.read_stream(c.stream_of(str(conversation_id)))
                found = [r for r in recorded if isinstance(r.event, HistorySummarized)]
    summary = found[0].event
    assert isinstance(summary, HistorySummarized)
    assert summary.text.startswith("User: add milk\nAssistant: ")
    assert summary.model == "extract"
