from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from agent.context import build_context, context_hash
from agent.context_loader import load_context
from agent.given_contexts import given_contexts
from commands.errors import NotFound
from events import conversation as c
from events.event import Event
from events.history import HistorySummarized
from events.ids import new_id
from events.store import MAX_VERSION, EventStore
from events.stored import RecordedEvent
from tests.log_node import LogNode, append_to, log_node
from tests.unit.agent.histories import Story, call, message, stories

over_a_database = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class CountingStore(EventStore):
    """Counts the events that are read backwards."""

    events_read = 0

    async def read_stream_backwards(
        self, stream_id: str, limit: int, *, before_version: int = MAX_VERSION
    ) -> list[RecordedEvent]:
        page = await super().read_stream_backwards(stream_id, limit, before_version=before_version)
        self.events_read += len(page)
        return page


@pytest.fixture
async def node(database_url: str) -> AsyncIterator[LogNode]:
    async with log_node(database_url, is_sealing=False) as node:
        yield node


async def record(node: LogNode, story: Story) -> str:
    """Stores a story; each run_started records the context that was loaded for it."""
    conversation_id = str(new_id())
    stream = c.stream_of(conversation_id)
    pending: list[Event] = []
    version = 0

    async def flush() -> None:
        nonlocal version
        if pending:
            await node.store.append(append_to(stream, version, *pending))
        version += len(pending)
        pending.clear()

    for one in story.recorded:
        event = one.event
        if isinstance(event, c.RunStarted):
            await flush()
            context = await load_context(
                node.store,
                conversation_id,
                event.run_id,
                story.limit,
                page_events=7,
                summary=await stored_summary(node, story, stream, event),
            )
            event = msgspec.structs.replace(
                event,
                context_event_ids=context.event_ids,
                context_hash=context_hash(await node.keys.current("ada"), context),
            )
        pending.append(event)
    await flush()
    return conversation_id


async def stored_summary(
    node: LogNode, story: Story, stream: str, started: c.RunStarted
) -> RecordedEvent | None:
    """The one that the story's context begins with."""
    version = int(started.context_event_ids[0].removeprefix("e"))
    if not isinstance(story.recorded[version - 1].event, HistorySummarized):
        return None
    (found,) = await node.store.read_stream(
        stream, after_version=version - 1, up_to_version=version
    )
    return found


def counting(node: LogNode) -> CountingStore:
    return CountingStore(node.pool, node.keys, node.commits)


@given(story=stories())
@over_a_database
async def test_loaded_context_equals_the_one_built_from_the_whole_stream(
    database_url: str, story: Story
) -> None:
    async with log_node(database_url, is_sealing=False) as node:
        conversation_id = await record(node, story)
        whole = await node.store.read_stream(c.stream_of(conversation_id))
        for run_id in {one.event.run_id for one in whole if isinstance(one.event, c.RunRequested)}:
            for limit, page_events in ((1, 1), (story.limit, 3), (story.limit, 128), (1_000, 10)):
                arguments = (conversation_id, run_id, limit)
                try:
                    built = build_context(whole, run_id, limit)
                except NotFound:
                    with pytest.raises(NotFound):
                        await load_context(node.store, *arguments, page_events=page_events)
                else:
                    loaded = await load_context(node.store, *arguments, page_events=page_events)
                    assert loaded == built


@given(story=stories())
@over_a_database
async def test_recorded_hash_equals_the_one_rederived_from_the_events(
    database_url: str, story: Story
) -> None:
    async with log_node(database_url, is_sealing=False) as node:
        conversation_id = await record(node, story)
        recorded = await node.store.read_stream(c.stream_of(conversation_id))
        started = [one for one in recorded if isinstance(one.event, c.RunStarted)]
        runs = {one.event.run_id for one in started if isinstance(one.event, c.RunStarted)}
        found = [g for run_id in runs for g in await given_contexts(recorded, run_id, node.keys)]
        assert len(found) == len(started)
        assert all(one.is_proved for one in found)


async def test_long_conversation_is_not_read_whole(node: LogNode) -> None:
    story = Story()
    for number in range(300):
        story.exchange(f"question {number}", f"answer {number}")
    run_id = story.post("and now?")
    conversation_id = str(new_id())
    events = [one.event for one in story.recorded]
    await node.store.append(append_to(c.stream_of(conversation_id), 0, *events))
    store = counting(node)
    context = await load_context(store, conversation_id, run_id, 15)
    assert len(context.items) == 15
    assert context.items[0]["content"][0]["text"] == "question 293"
    assert store.events_read == 128
    assert len(events) > 1_500


async def test_fork_to_a_message_older_than_the_first_page_is_found(node: LogNode) -> None:
    story = Story()
    for number in range(60):
        story.exchange(f"question {number}", f"answer {number}")
    # A story numbers its messages and everything else in one row.
    retried = next(
        one.event.message_id
        for one in story.recorded
        if isinstance(one.event, c.UserMessagePosted) and one.event.text == "question 5"
    )
    story.cancel(story.retry(retried), "Well, I")
    run_id = story.post("and now?")
    conversation_id = await record(node, story)
    context = await load_context(node.store, conversation_id, run_id, 4, page_events=8)
    texts = [item["content"][0]["text"] for item in context.items]
    assert texts == ["question 5", "Well, I", "and now?"]


async def test_turns_after_a_fork_suffice_without_reading_what_it_left_behind(
    node: LogNode,
) -> None:
    story = Story()
    for number in range(60):
        story.exchange(f"question {number}", f"answer {number}")
    story.cancel(story.retry("m1"))
    for number in range(60, 64):
        story.exchange(f"question {number}", f"answer {number}")
    run_id = story.post("and now?")
    conversation_id = await record(node, story)
    store = counting(node)
    context = await load_context(store, conversation_id, run_id, 5, page_events=32)
    assert [item["content"][0]["text"] for item in context.items] == [
        "question 62",
        "answer 62",
        "question 63",
        "answer 63",
        "and now?",
    ]
    assert store.events_read == 32


async def test_branch_that_was_gone_back_to_is_not_read_whole(node: LogNode) -> None:
    story = Story()
    for number in range(60):
        story.exchange(f"question {number}", f"answer {number}")
    story.cancel(story.retry(str(story.state.last_message_id)), "other")
    story.switch(c.MAIN_BRANCH)
    run_id = story.post("and now?")
    conversation_id = await record(node, story)
    store = counting(node)
    context = await load_context(store, conversation_id, run_id, 4, page_events=32)
    texts = [item["content"][0]["text"] for item in context.items]
    assert texts == ["question 59", "answer 59", "and now?"]
    assert store.events_read == 32


async def test_context_is_rederived_although_its_branch_was_left_for_an_older_one(
    node: LogNode,
) -> None:
    story = Story(limit=3)
    for number in range(20):
        story.exchange(f"question {number}", f"answer {number}")
    story.cancel(story.retry("m1"))
    story.exchange("early", "answer to early")
    branch_id = story.state.branches.active_id
    story.switch(c.MAIN_BRANCH)
    story.cancel(story.retry("m1"))
    story.switch(branch_id)
    run_id = story.post("and now?")
    story.start(run_id)
    conversation_id = await record(node, story)
    recorded = await node.store.read_stream(c.stream_of(conversation_id))
    (given_context,) = await given_contexts(recorded, run_id, node.keys)
    assert given_context.is_proved
    assert given_context.context is not None
    texts = [item["content"][0]["text"] for item in given_context.context.items]
    assert texts == ["early", "answer to early", "and now?"]


async def test_unknown_run_is_not_found(node: LogNode) -> None:
    story = Story()
    story.exchange("one", "first")
    conversation_id = await record(node, story)
    with pytest.raises(NotFound, match="r9"):
        await load_context(node.store, conversation_id, "r9", 15)
    with pytest.raises(NotFound, match="r9"):
        await load_context(node.store, str(new_id()), "r9", 15)


async def test_rederived_context_is_that_of_its_attempt(node: LogNode) -> None:
    story = Story(limit=3)
    story.exchange("one", "first")
    run_id = story.post("two")
    story.start(run_id)
    story.respond(run_id, call("call_1", "ours1"))
    story.resume(run_id)
    story.finish_tool(run_id, "ours1", "added")
    story.start(run_id)
    story.respond(run_id, message("second"))
    story.complete(run_id)
    story.retry("m1")
    conversation_id = await record(node, story)
    recorded = await node.store.read_stream(c.stream_of(conversation_id))
    contexts = [
        one.context for one in await given_contexts(recorded, run_id, node.keys) if one.context
    ]
    assert [[item["type"] for item in context.items] for context in contexts] == [
        ["message", "message", "message"],
        ["message", "message", "message", "function_call", "function_call_output"],
    ]
    assert contexts[1].items[-1]["output"] == "added"
