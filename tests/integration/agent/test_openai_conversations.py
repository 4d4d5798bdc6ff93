from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import pytest
from agents import Agent, OpenAIConversationsSession, Runner
from agents.items import TResponseInputItem
from agents.testing import ScriptedModel, assistant_message
from openai import AsyncOpenAI, OpenAIError

from agent import openai_conversations
from agent.deleting import delete_conversation
from agent.openai_conversations import OpenAIConversations
from agent.sending import Message
from commands.conversation import CONVERSATION, Delete, Start
from commands.errors import Foreign, NotFound
from commands.handle import CommandHandler, Origin
from events import conversation as c
from events import link
from events.errors import ContentErased
from events.ids import new_id
from runtime.node import open_node
from runtime.settings import load_settings
from tests.integration.cli.command_line import AUTH_SECRET, EVENT_KEY
from tests.integration.cli.history import erase
from tests.log_node import LogNode, log_node
from tests.wire import ResponsesServer, Text

HELLO = cast(TResponseInputItem, {"role": "user", "content": "hello"})
ADA = Origin(owner_id="ada", actor="user:ada")


@dataclass
class Linked:
    log: LogNode
    handler: CommandHandler
    bridge: OpenAIConversations

    async def start(self) -> str:
        conversation_id = str(new_id())
        stream = c.stream_of(conversation_id)
        await self.handler.handle(CONVERSATION, stream, Start(title="one"), ADA)
        return conversation_id

    async def delete(self, conversation_id: str) -> None:
        await self.handler.handle(CONVERSATION, c.stream_of(conversation_id), Delete(), ADA)

    async def links(self, conversation_id: str) -> list[Any]:
        recorded = await self.log.store.read_stream(link.stream_of(conversation_id))
        return [one.event for one in recorded]


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_conversations, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(openai_conversations, "RETRY_SECONDS", 0.01)


@pytest.fixture
async def host() -> AsyncIterator[ResponsesServer]:
    async with ResponsesServer([Text("hello")]) as server:
        yield server


@asynccontextmanager
async def linked(
    url: str, host: ResponsesServer, *, is_looking: bool = False
) -> AsyncIterator[Linked]:
    async with (
        log_node(url) as log,
        AsyncOpenAI(api_key="key", base_url=host.base_url, max_retries=0) as client,
    ):
        handler = CommandHandler(log.store)
        bridge = OpenAIConversations(handler, log.store, log.pool, client, log.signal)
        looking = asyncio.create_task(bridge.run()) if is_looking else None
        try:
            yield Linked(log, handler, bridge)
        finally:
            if looking:
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)


async def until(is_true: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not is_true():
            await asyncio.sleep(0.01)


def texts(items: Any) -> list[str]:
    return [item["content"][0]["text"] for item in items]


async def test_stock_runner_remembers_through_it(database_url: str, host: ResponsesServer) -> None:
    model = ScriptedModel([[assistant_message("Hi.")], [assistant_message("Again.")]])
    agent: Agent[Any] = Agent(name="test", model=model)
    async with linked(database_url, host) as node:
        conversation_id = await node.start()
        session = node.bridge.session("ada", conversation_id)
        assert isinstance(session, OpenAIConversationsSession)
        await Runner.run(agent, "hello", session=session)
    async with linked(database_url, host) as node:
        again = node.bridge.session("ada", conversation_id)
        await Runner.run(agent, "and now?", session=again)
        assert texts(await again.get_items()) == ["hello", "Hi.", "and now?", "Again."]
        assert texts(await again.get_items(limit=1)) == ["Again."]
        assert texts([await again.pop_item()]) == ["Again."]
        assert await node.links(conversation_id) == [
            link.Opened(provider="openai", foreign_id="conv_1")
        ]
    (kept,) = host.conversations.kept.values()
    assert kept.metadata == {"verbatim_conversation_id": conversation_id}
    assert len(kept.items) == 3


async def test_nodes_that_race_make_one_counterpart(
    database_url: str, host: ResponsesServer
) -> None:
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(linked(database_url, host)) for _ in range(2)]
        conversation_id = await nodes[0].start()
        links = [node.bridge.link("ada", conversation_id) for node in nodes * 3]
        found = set(await asyncio.gather(*links))
        assert found == set(host.conversations.kept)
        assert len(found) == 1
        assert host.conversations.deleted
        (opened,) = await nodes[0].links(conversation_id)
        assert opened.foreign_id in found


async def test_loser_whose_counterpart_stays_goes_on(
    database_url: str, host: ResponsesServer
) -> None:
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(linked(database_url, host)) for _ in range(2)]
        conversation_id = await nodes[0].start()
        host.conversations.failing_deletions = 1
        found = await asyncio.gather(*(n.bridge.link("ada", conversation_id) for n in nodes))
        assert len(set(found)) == 1
        assert not any(kept.items for kept in host.conversations.kept.values())


@pytest.mark.parametrize("end", ["deleted", "erased"])
async def test_what_ends_here_is_deleted_there_until_it_worked(
    database_url: str, host: ResponsesServer, end: str
) -> None:
    async with linked(database_url, host) as node:
        conversation_id = await node.start()
        await node.bridge.session("ada", conversation_id).add_items([HELLO])
        other = str(await node.bridge.link("ada", await node.start()))
        if end == "deleted":
            await node.delete(conversation_id)
        else:
            await erase(database_url, "ada")
        host.conversations.failing_deletions = 3
    # The node is gone before it looked: others do.
    async with AsyncExitStack() as stack:
        nodes = [
            await stack.enter_async_context(linked(database_url, host, is_looking=True))
            for _ in range(2)
        ]
        count = 1 if end == "deleted" else 2
        await until(lambda: len(host.conversations.deleted) == count)
        async with asyncio.timeout(30):
            while len(await nodes[0].links(conversation_id)) < 2:
                await asyncio.sleep(0.02)
        opened, closed = await nodes[0].links(conversation_id)
        assert closed == link.Closed(foreign_id=opened.foreign_id, reason=end)
        assert (other in host.conversations.kept) == (end == "deleted")
        assert host.conversations.failing_deletions == 0


async def test_deletion_is_noticed_while_a_node_runs(
    database_url: str, host: ResponsesServer
) -> None:
    async with linked(database_url, host, is_looking=True) as node:
        for _ in range(2):
            conversation_id = await node.start()
            foreign_id = await node.bridge.link("ada", conversation_id)
            await node.delete(conversation_id)
            await until(lambda foreign_id=foreign_id: foreign_id in host.conversations.deleted)


async def test_counterpart_that_is_gone_already_is_recorded_as_deleted(
    database_url: str, host: ResponsesServer
) -> None:
    async with linked(database_url, host) as node:
        conversation_id = await node.start()
        await node.bridge.link("ada", conversation_id)
        host.conversations.kept.clear()
        await node.delete(conversation_id)
        assert await node.bridge.look() == 0
        assert len(await node.links(conversation_id)) == 2
        assert await node.bridge.look() == 0
        assert len(await node.links(conversation_id)) == 2


async def test_conversation_deleted_while_its_counterpart_is_made_keeps_none(
    database_url: str, host: ResponsesServer
) -> None:
    loop = asyncio.get_running_loop()
    async with linked(database_url, host) as node:
        conversation_id = await node.start()

        def delete() -> None:
            asyncio.run_coroutine_threadsafe(node.delete(conversation_id), loop).result(10)

        host.conversations.on_create = delete
        with pytest.raises(NotFound):
            await node.bridge.session("ada", conversation_id).add_items([HELLO])
        assert await node.bridge.look() == 0
        assert host.conversations.kept == {}
        assert host.conversations.deleted == ["conv_1"]


async def test_cleared_session_deletes_the_counterpart_and_begins_anew(
    database_url: str, host: ResponsesServer
) -> None:
    async with linked(database_url, host) as node:
        conversation_id = await node.start()
        session = node.bridge.session("ada", conversation_id)
        await session.add_items([HELLO])
        await session.clear_session()
        await session.clear_session()
        assert host.conversations.kept == {}
        assert await session.get_items() == []
        await session.add_items([HELLO])
        assert texts(await session.get_items()) == ["hello"]
        events = await node.links(conversation_id)
        assert [type(event) for event in events] == [link.Opened, link.Closed, link.Opened]
        assert events[1].reason == "cleared"


async def test_nothing_is_sent_for_others_the_deleted_and_the_erased(
    database_url: str, host: ResponsesServer
) -> None:
    async with linked(database_url, host) as node:
        conversation_id, deleted = await node.start(), await node.start()
        await node.delete(deleted)
        with pytest.raises(Foreign):
            await node.bridge.session("bob", conversation_id).add_items([HELLO])
        for missing in (deleted, str(new_id())):
            with pytest.raises(NotFound):
                await node.bridge.session("ada", missing).get_items()
        await erase(database_url, "ada")
        node.log.keys.forget("ada")
        with pytest.raises(ContentErased):
            await node.bridge.session("ada", conversation_id).add_items([HELLO])
        assert host.conversations.kept == {}


async def test_clearing_is_for_the_owner_alone(database_url: str, host: ResponsesServer) -> None:
    async with linked(database_url, host) as node:
        conversation_id = await node.start()
        await node.bridge.link("ada", conversation_id)
        with pytest.raises(Foreign):
            await node.bridge.session("bob", conversation_id).clear_session()
        assert len(host.conversations.kept) == 1


async def test_failed_deletion_of_a_cleared_session_can_be_repeated(
    database_url: str, host: ResponsesServer
) -> None:
    async with linked(database_url, host) as node:
        session = node.bridge.session("ada", await node.start())
        await session.add_items([HELLO])
        host.conversations.failing_deletions = 1
        with pytest.raises(OpenAIError):
            await session.clear_session()
        await session.clear_session()
        assert host.conversations.kept == {}


async def test_node_deletes_counterparts_of_what_its_users_delete(
    database_url: str, host: ResponsesServer
) -> None:
    settings = load_settings(
        database_url=database_url,
        event_key=EVENT_KEY,
        better_auth_secret=AUTH_SECRET,
        openai_api_key="key",
        openai_base_url=host.base_url,
        agent_titles=False,
    )
    async with open_node(settings) as node:
        sent = await node.sender.send("ada", None, Message(text="hello"))
        assert node.openai_conversations is not None
        await node.openai_conversations.session("ada", sent.conversation_id).add_items([HELLO])
        await delete_conversation(node.handler, node.leases, "ada", sent.conversation_id)
        await until(lambda: host.conversations.deleted)
    async with open_node(
        load_settings(
            database_url=database_url, event_key=EVENT_KEY, better_auth_secret=AUTH_SECRET
        )
    ) as node:
        assert node.openai_conversations is None
