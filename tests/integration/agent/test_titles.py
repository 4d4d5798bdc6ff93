"""Titles by the model: after the first turn, beside the run, and never over the user's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from agents import Model, ModelResponse, Usage
from agents.testing import ScriptedModel, assistant_message

from commands.conversation import CONVERSATION, Rename
from commands.handle import Origin
from events import conversation as c
from events.stored import RecordedEvent
from tests.agent_node import AgentNode, agent_node
from tests.wire import Hang, Text

from .wired import text_begun, topics, wire_model


class TitleModel(Model):
    """Says one title, when it is let go."""

    def __init__(self, title: str = "Buying milk", error: Exception | None = None) -> None:
        self.calls: list[Any] = []
        self.is_free = asyncio.Event()
        self.is_free.set()
        self._title = title
        self._error = error

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        self.calls.append(args)
        await self.is_free.wait()
        if self._error is not None:
            raise self._error
        return ModelResponse([assistant_message(self._title)], Usage(), None)  # type: ignore[list-item]

    def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        raise NotImplementedError


def replies(count: int = 1) -> ScriptedModel:
    return ScriptedModel([[assistant_message(f"Reply {n}.")] for n in range(count)])


@asynccontextmanager
async def answered(
    url: str, titles: TitleModel, model: Model | None = None
) -> AsyncIterator[tuple[AgentNode, Any]]:
    """A node, and its first message, whose run has completed."""
    async with agent_node(url, model or replies(9), titles=titles) as node:
        sent = await node.say("add milk to my list")
        await node.frames(sent.run_id)
        yield node, sent


async def recorded(node: AgentNode, conversation_id: str) -> list[RecordedEvent]:
    return await node.log.store.read_stream(c.stream_of(conversation_id))


async def titled(node: AgentNode, conversation_id: str) -> RecordedEvent:
    async with asyncio.timeout(20):
        while True:
            for one in await recorded(node, conversation_id):
                if isinstance(one.event, c.Renamed):
                    return one
            await asyncio.sleep(0.02)


async def until_asked(titles: TitleModel, times: int = 1) -> None:
    async with asyncio.timeout(20):
        while len(titles.calls) < times:
            await asyncio.sleep(0.02)


async def rename(node: AgentNode, conversation_id: str, title: str) -> None:
    origin = Origin(owner_id="ada", actor="user:ada")
    stream_id = c.stream_of(conversation_id)
    await node.handler.handle(CONVERSATION, stream_id, Rename(title=title), origin)


async def test_model_names_the_conversation_after_its_first_turn(database_url: str) -> None:
    titles = TitleModel()
    async with answered(database_url, titles) as (node, sent):
        named = await titled(node, sent.conversation_id)
        assert named.event == c.Renamed(title="Buying milk")
        assert named.metadata["actor"] == f"agent:{sent.run_id}"
        assert topics(await node.events(sent.conversation_id))[-2:] == ["run_completed", "renamed"]
        shown = titles.calls[0][1]
        assert "add milk to my list" in shown
        assert "Reply 0." in shown
        second = await node.say("and eggs", sent.conversation_id)
        await node.frames(second.run_id)
        await asyncio.sleep(0.2)
        assert len(titles.calls) == 1


async def test_run_ends_before_its_title_is_asked_for(database_url: str) -> None:
    titles = TitleModel()
    titles.is_free.clear()
    async with answered(database_url, titles) as (node, sent):
        await until_asked(titles)
        assert topics(await node.events(sent.conversation_id))[-1] == "run_completed"
        assert not await node.leases.count()
        titles.is_free.set()
        await titled(node, sent.conversation_id)


async def test_title_that_the_user_gave_meanwhile_stays(database_url: str) -> None:
    titles = TitleModel()
    titles.is_free.clear()
    async with answered(database_url, titles) as (node, sent):
        await until_asked(titles)
        await rename(node, sent.conversation_id, "Mine")
        titles.is_free.set()
        await asyncio.sleep(0.3)
        events = await node.events(sent.conversation_id)
        assert [e.title for e in events if isinstance(e, c.Renamed)] == ["Mine"]
        second = await node.say("and eggs", sent.conversation_id)
        await node.frames(second.run_id)
        await asyncio.sleep(0.2)
        assert len(titles.calls) == 1


@pytest.mark.parametrize("title", ["", ' "." '], ids=["empty", "punctuation"])
async def test_title_of_nothing_is_none(database_url: str, title: str) -> None:
    titles = TitleModel(title)
    async with answered(database_url, titles) as (node, sent):
        await until_asked(titles)
        await asyncio.sleep(0.2)
        assert "renamed" not in topics(await node.events(sent.conversation_id))


async def test_model_that_fails_leaves_the_first_words(database_url: str) -> None:
    titles = TitleModel(error=RuntimeError("on fire"))
    async with answered(database_url, titles) as (node, sent):
        await until_asked(titles)
        await asyncio.sleep(0.2)
        events = await node.events(sent.conversation_id)
        assert topics(events)[-1] == "run_completed"
        assert events[0] == c.Started(title="add milk to my list")


async def test_title_that_was_lost_with_its_node_comes_after_the_next_turn(
    database_url: str,
) -> None:
    silent, titles = TitleModel(), TitleModel()
    silent.is_free.clear()
    async with answered(database_url, silent) as (_, sent):
        await until_asked(silent)
    async with agent_node(database_url, replies(2), titles=titles) as node:
        second = await node.say("and eggs", sent.conversation_id)
        await node.frames(second.run_id)
        named = await titled(node, sent.conversation_id)
        assert named.metadata["actor"] == f"agent:{second.run_id}"


async def test_two_nodes_name_a_conversation_once(database_url: str) -> None:
    one, two = TitleModel("One"), TitleModel("Two")
    one.is_free.clear()
    two.is_free.clear()
    async with answered(database_url, one) as (first, sent):
        async with agent_node(database_url, replies(2), titles=two) as second:
            await second.frames((await second.say("and eggs", sent.conversation_id)).run_id)
            await until_asked(one)
            await until_asked(two)
            one.is_free.set()
            two.is_free.set()
            await titled(first, sent.conversation_id)
            await asyncio.sleep(0.3)
            events = await first.events(sent.conversation_id)
            assert sum(isinstance(e, c.Renamed) for e in events) == 1


async def test_stream_that_is_open_then_is_told(database_url: str) -> None:
    titles = TitleModel()
    titles.is_free.clear()
    async with wire_model(Text("One."), Hang(after_chunks=3)) as model:
        async with answered(database_url, titles, model) as (node, sent):
            second = await node.say("and eggs", sent.conversation_id)
            await text_begun(node, second)
            titles.is_free.set()
            await titled(node, sent.conversation_id)
            await asyncio.sleep(0.3)
            assert await node.leases.request_cancel(second.run_id, "ada")
            shown = await node.shown(second.run_id)
            (updated,) = [e for e in shown if e["type"] == "thread.updated"]
            assert updated["thread"]["title"] == "Buying milk"
            assert updated["thread"]["id"] == sent.conversation_id
