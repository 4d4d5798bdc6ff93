from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from agents import Agent, Model, Runner, function_tool
from agents.items import TResponseInputItem
from agents.memory import Session, SessionSettings
from agents.testing import ScriptedModel, assistant_message, function_call

from agent.context import build_context
from agent.event_stream_session import EventStreamSession
from agent.offline.model import OfflineModel
from agent.sending import Message
from commands.branching import RetryAfter, SwitchBranch
from commands.conversation import (
    CONVERSATION,
    ConversationCommand,
    Delete,
    EditMessage,
    PostMessage,
)
from commands.errors import Foreign, InvalidCommand, NotFound
from commands.handle import Origin
from commands.run import InterruptRun
from events import conversation as c
from events.ids import new_id
from runtime.node import Node, open_node
from runtime.settings import load_settings
from tests.integration.cli.command_line import AUTH_SECRET, EVENT_KEY
from tests.unit.agent.responses_rules import violations

HELLO = cast(TResponseInputItem, {"role": "user", "content": "hello"})
CALLED = ("function_call", "function_call_output")


@function_tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


@pytest.fixture
async def node(database_url: str) -> AsyncIterator[Node]:
    settings = load_settings(
        database_url=database_url, event_key=EVENT_KEY, better_auth_secret=AUTH_SECRET
    )
    async with open_node(settings, model=OfflineModel()) as node:
        yield node


def session_on(node: Node, conversation_id: str | None = None, **kwargs: Any) -> EventStreamSession:
    return EventStreamSession(node.handler, node.store, "ada", conversation_id, **kwargs)


def assistant(model: Model) -> Agent[Any]:
    return Agent(name="test", model=model, tools=[weather])


def simple(items: list[TResponseInputItem]) -> list[Any]:
    """What each item says."""
    said: list[Any] = []
    for item in cast("list[dict[str, Any]]", items):
        content = item.get("content") or item.get("output") or item.get("name")
        said.append(content if isinstance(content, str) else content[0]["text"])
    return said


async def test_stock_runner_remembers_through_it(node: Node) -> None:
    model = ScriptedModel(
        [
            [function_call("weather", {"city": "Rome"}, call_id="call_a")],
            [assistant_message("It is sunny.")],
            [assistant_message("In Rome.")],
        ]
    )
    session = session_on(node)
    assert isinstance(session, Session)
    await Runner.run(assistant(model), "how is the weather?", session=session)
    again = session_on(node, session.session_id)
    await Runner.run(assistant(model), "where?", session=again)
    said = ["how is the weather?", "weather", "sunny in Rome", "It is sunny.", "where?"]
    assert simple(cast(Any, model.calls[2].input)) == said
    items = await again.get_items()
    assert simple(items) == [*said, "In Rome."]
    assert simple(await again.get_items(limit=2)) == ["where?", "In Rome."]
    assert await again.get_items(limit=0) == []


async def test_items_come_back_exactly_as_they_were_added(node: Node) -> None:
    added = cast(
        "list[TResponseInputItem]",
        [
            {"role": "user", "content": [{"type": "input_image", "image_url": "data:,x"}]},
            {"role": "developer", "content": "be brief"},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "web_search_call", "id": "ws_1", "status": "completed"},
            {"type": "message", "role": "assistant", "id": "m", "content": "Grüße 🥛"},
        ],
    )
    session = session_on(node)
    await session.add_items(added)
    await session.add_items([])
    assert await session.get_items() == added
    assert await session_on(node, session.session_id).get_items() == added


async def test_what_was_added_is_shown_in_the_conversation(node: Node) -> None:
    model = ScriptedModel(
        [
            [function_call("weather", {"city": "Rome"}, call_id="call_a")],
            [assistant_message("It is sunny.")],
        ]
    )
    session = session_on(node)
    await Runner.run(assistant(model), "how is the weather?", session=session)
    page = await node.reads.messages_page("ada", session.session_id, limit=10)
    assert [(row.role, row.content) for row in page.rows if row.content] == [
        ("user", "how is the weather?"),
        ("assistant", "It is sunny."),
    ]
    calls = [call for row in page.rows for call in row.tool_calls]
    assert [(call.name, call.status, call.output) for call in calls] == [
        ("weather", "success", "sunny in Rome")
    ]
    conversation = await node.reads.conversation("ada", session.session_id)
    assert conversation is not None
    assert conversation.title == "how is the weather?"
    assert await node.leases.count() == 0


async def test_own_runs_and_sessions_know_of_each_other(node: Node) -> None:
    session = session_on(node)
    first = ScriptedModel([[assistant_message("Nice to meet you.")]])
    await Runner.run(assistant(first), "I am Ada", session=session)
    sent = await node.sender.send("ada", session.session_id, Message(text="add milk"))
    async with asyncio.timeout(30):
        async for _ in node.frames.follow(sent.run_id, "ada", 0):
            pass
    recorded = await node.store.read_stream(c.stream_of(session.session_id))
    context = build_context(recorded, str(sent.run_id), 15)
    assert violations(context.items) == []
    assert context.items[0]["content"][0]["text"] == "I am Ada"
    assert context.items[1]["content"][0]["text"] == "Nice to meet you."
    items = cast("list[dict[str, Any]]", await session.get_items())
    assert simple(cast(Any, items))[:3] == ["I am Ada", "Nice to meet you.", "add milk"]
    kinds = [item["type"] for item in items[3:]]
    assert kinds[:2] == list(CALLED)
    assert kinds[-1] == "message"


async def test_pop_takes_the_newest_and_deletes_nothing(node: Node) -> None:
    session = session_on(node)
    goodbye = cast(TResponseInputItem, {"role": "user", "content": "goodbye"})
    await session.add_items([HELLO, goodbye])
    before = await node.store.read_stream(c.stream_of(session.session_id))
    assert await session.pop_item() == goodbye
    assert await session.get_items() == [HELLO]
    assert await session.pop_item() == HELLO
    assert await session.pop_item() is None
    await session.add_items([goodbye])
    assert await session.get_items() == [goodbye]
    after = await node.store.read_stream(c.stream_of(session.session_id))
    assert after[: len(before)] == before


async def test_two_that_pop_at_once_take_different_items(node: Node) -> None:
    items = [cast(TResponseInputItem, {"role": "user", "content": f"{n}"}) for n in range(8)]
    sessions = [session_on(node)]
    await sessions[0].add_items(items)
    sessions += [session_on(node, sessions[0].session_id) for _ in range(3)]
    popped = await asyncio.gather(*(session.pop_item() for session in sessions * 2))
    assert sorted(simple(cast(Any, popped))) == [str(n) for n in range(8)]
    assert await sessions[0].get_items() == []


async def test_cleared_session_begins_anew(node: Node) -> None:
    session = session_on(node)
    await session.clear_session()
    assert await node.store.read_stream(c.stream_of(session.session_id)) == []
    await session.add_items([HELLO])
    await session.clear_session()
    assert await session.get_items() == []
    await session.add_items([HELLO, HELLO])
    assert await session.get_items() == [HELLO, HELLO]
    page = await node.reads.messages_page("ada", session.session_id, limit=10)
    assert len(page.rows) == 3


async def test_items_belong_to_the_branch_they_were_added_on(node: Node) -> None:
    session = session_on(node)
    reply = cast(TResponseInputItem, {"role": "assistant", "content": "Hi."})
    await session.add_items([HELLO, reply])
    stream = c.stream_of(session.session_id)
    posted = next(
        one.event
        for one in await node.store.read_stream(stream)
        if isinstance(one.event, c.UserMessagePosted)
    )
    origin = Origin(owner_id="ada", actor="user:ada")

    async def do(command: ConversationCommand) -> None:
        await node.handler.handle(CONVERSATION, stream, command, origin)

    await do(RetryAfter(message_id=posted.message_id, run_id="r1", branch_id="again"))
    await do(InterruptRun(run_id="r1", reason="nobody works on it"))
    assert await session.get_items() == [HELLO]
    other = PostMessage(message_id="m2", run_id="r2", text="Hi there")
    await do(EditMessage(edited_message_id=posted.message_id, branch_id="edited", message=other))
    await do(InterruptRun(run_id="r2", reason="nobody works on it"))
    assert simple(await session.get_items()) == ["Hi there"]
    await do(SwitchBranch(branch_id=c.MAIN_BRANCH))
    assert await session.get_items() == [HELLO, reply]


async def test_settings_limit_what_is_handed_out(node: Node) -> None:
    session = session_on(node, session_settings=SessionSettings(limit=1))
    await session.add_items([HELLO, HELLO])
    assert await session.get_items() == [HELLO]
    assert len(await session.get_items(limit=5)) == 2


async def test_what_cannot_be_stored_is_replaced_and_too_much_is_refused(node: Node) -> None:
    session = session_on(node)
    await session.add_items([cast(TResponseInputItem, {"role": "user", "content": "a\x00b\ud800"})])
    assert simple(await session.get_items()) == ["a�b�"]
    with pytest.raises(InvalidCommand):
        await session.add_items([HELLO] * 1_001)
    assert len(await session.get_items()) == 1


async def test_others_and_the_deleted_are_refused(node: Node) -> None:
    session = session_on(node)
    await session.add_items([HELLO])
    other = EventStreamSession(node.handler, node.store, "bob", session.session_id)
    for use in (other.get_items, other.pop_item, other.clear_session):
        with pytest.raises(Foreign):
            await use()
    with pytest.raises(Foreign):
        await other.add_items([HELLO])
    origin = Origin(owner_id="ada", actor="user:ada")
    await node.handler.handle(CONVERSATION, c.stream_of(session.session_id), Delete(), origin)
    for gone in (session.get_items, session.pop_item, session.clear_session):
        with pytest.raises(NotFound):
            await gone()
    assert await session_on(node, str(new_id())).get_items() == []
