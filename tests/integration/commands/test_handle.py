from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from commands.branching import RetryAfter
from commands.conversation import (
    CONVERSATION,
    Delete,
    Rename,
    Start,
)
from commands.conversation_state import ConversationState
from commands.errors import Foreign, NotFound, Rejected
from commands.feedback import GiveFeedback
from commands.handle import Handled, Origin
from commands.task import TASK, AddTask, CompleteTask
from events import conversation as c
from events import task
from events.errors import VersionConflict
from events.event import Event
from events.ids import new_id
from tests.databases import run_apart
from tests.log_node import append_to, log_node, new_stream

from .conversations import ADA, EVE, KEYED, handling, post

COMMANDS = 30


def feedback(n: int) -> GiveFeedback:
    return GiveFeedback(item_ids=(f"item-{n}",), kind="positive")


def given_to(events: list[Event]) -> list[str]:
    return [event.item_ids[0] for event in events if isinstance(event, c.FeedbackGiven)]


async def test_handle_stores_what_was_decided_and_answers_with_the_state(
    database_url: str,
) -> None:
    async with handling(database_url) as ours:
        stream = new_stream()
        handled = await ours.handler.handle(CONVERSATION, stream, post("m1", "r1"), ADA)
        events = [
            c.Started(title="hello"),
            c.UserMessagePosted(message_id="m1", text="hello"),
            c.RunRequested(run_id="r1", message_id="m1"),
        ]
        assert handled == Handled(
            stream_id=stream,
            version=3,
            events=events,
            state=CONVERSATION.fold(ConversationState(), events),
        )
        assert await ours.events_of(stream) == events


async def test_handle_records_the_origin(database_url: str) -> None:
    async with handling(database_url) as ours:
        stream = new_stream()
        origin = Origin(
            owner_id="ada", actor="agent:r1", correlation_id="r1", causation_id="call-1"
        )
        await ours.handler.handle(CONVERSATION, stream, Start(), origin)
        (recorded,) = await ours.node.store.read_stream(stream)
        assert recorded.owner_id == "ada"
        assert recorded.metadata["actor"] == "agent:r1"
        assert recorded.metadata["correlation_id"] == "r1"
        assert recorded.metadata["causation_id"] == "call-1"


async def test_parallel_commands_all_apply_and_none_is_lost(database_url: str) -> None:
    async with handling(database_url) as ours:
        stream = new_stream()
        await ours.handler.handle(CONVERSATION, stream, Start(), ADA)
        outcomes = await asyncio.gather(
            *(ours.handler.handle(CONVERSATION, stream, feedback(n), ADA) for n in range(COMMANDS))
        )
        assert sorted(handled.version for handled in outcomes) == list(range(2, COMMANDS + 2))
        stored = given_to(await ours.events_of(stream))
        assert sorted(stored) == sorted(f"item-{n}" for n in range(COMMANDS))


async def test_parallel_commands_on_two_nodes_all_apply(database_url: str) -> None:
    async with handling(database_url) as one, handling(database_url) as two:
        stream = new_stream()
        await one.handler.handle(CONVERSATION, stream, Start(), ADA)
        await asyncio.gather(
            *(
                (one, two)[n % 2].handler.handle(CONVERSATION, stream, feedback(n), ADA)
                for n in range(COMMANDS)
            )
        )
        stored = given_to(await one.events_of(stream))
        assert sorted(stored) == sorted(f"item-{n}" for n in range(COMMANDS))
        assert await two.events_of(stream) == await one.events_of(stream)


async def test_command_that_lost_a_race_is_decided_again_on_the_newer_state(
    database_url: str,
) -> None:
    async with handling(database_url) as one, handling(database_url) as two:
        stream = new_stream()
        await one.handler.handle(CONVERSATION, stream, post("m1", "r1"), ADA)
        outcomes = await asyncio.gather(
            *(
                ours.handler.handle(CONVERSATION, stream, post("m2", policy="reject"), ADA)
                for ours in (one, two)
            ),
            one.handler.handle(CONVERSATION, stream, post("m1"), ADA),
            return_exceptions=True,
        )
        codes = [outcome.code for outcome in outcomes if isinstance(outcome, Rejected)]
        assert codes == ["run_unfinished", "run_unfinished", "message_exists"]
        assert len(await one.events_of(stream)) == 3


async def test_stream_of_another_owner_is_foreign(database_url: str) -> None:
    async with handling(database_url) as cached, handling(database_url) as fresh:
        stream = new_stream()
        await cached.handler.handle(CONVERSATION, stream, Start(), ADA)
        for ours in (cached, fresh):
            with pytest.raises(Foreign):
                await ours.handler.handle(CONVERSATION, stream, Rename(title="mine"), EVE)
            with pytest.raises(Foreign):
                await ours.handler.handle(CONVERSATION, stream, Start(), EVE)
            with pytest.raises(Foreign):
                await ours.handler.load(CONVERSATION, stream, "eve")
        assert await cached.events_of(stream) == [c.Started()]


async def test_two_owners_racing_for_one_new_stream_have_one_winner(database_url: str) -> None:
    async with handling(database_url) as one, handling(database_url) as two:
        for _ in range(5):
            stream = new_stream()
            outcomes = await asyncio.gather(
                one.handler.handle(CONVERSATION, stream, Start(), ADA),
                two.handler.handle(CONVERSATION, stream, Start(), EVE),
                return_exceptions=True,
            )
            assert [isinstance(outcome, Foreign) for outcome in outcomes].count(True) == 1
            assert await one.count("events") == await one.count("heads")


async def test_cached_state_is_refreshed_after_another_node_appended(database_url: str) -> None:
    async with handling(database_url) as one, handling(database_url) as two:
        stream = new_stream()
        await one.handler.handle(CONVERSATION, stream, post("m1", "r1"), ADA)
        await two.handler.handle(CONVERSATION, stream, Rename(title="theirs"), ADA)
        version, state = await one.handler.load(CONVERSATION, stream, "ada")
        assert (version, state.title) == (4, "theirs")
        unchanged = await one.handler.handle(CONVERSATION, stream, Rename(title="theirs"), ADA)
        assert (unchanged.version, unchanged.events) == (4, ())
        await two.node.store.append(append_to(stream, 4, c.Deleted()))
        with pytest.raises(NotFound):
            await one.handler.handle(CONVERSATION, stream, Rename(title="ours"), ADA)


async def test_cached_state_equals_the_state_read_afresh(database_url: str) -> None:
    async with handling(database_url) as cached, handling(database_url) as fresh:
        stream = new_stream()
        await cached.handler.handle(CONVERSATION, stream, post("m1", "r1"), ADA)
        for n in range(5):
            await cached.handler.handle(CONVERSATION, stream, post(f"m{n + 2}", f"r{n + 2}"), ADA)
        known = await cached.handler.load(CONVERSATION, stream, "ada")
        assert await fresh.handler.load(CONVERSATION, stream, "ada") == known


async def test_states_beyond_the_cache_are_read_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commands.handle.CACHED_STATES", 2)
    async with handling(database_url) as ours:
        streams = [new_stream() for _ in range(4)]
        for n, stream in enumerate(streams):
            await ours.handler.handle(CONVERSATION, stream, Start(title=str(n)), ADA)
        for n, stream in enumerate(streams):
            version, state = await ours.handler.load(CONVERSATION, stream, "ada")
            assert (version, state.title) == (1, str(n))


async def test_command_that_decides_on_nothing_stores_nothing(database_url: str) -> None:
    async with handling(database_url) as ours:
        stream = new_stream()
        await ours.handler.handle(CONVERSATION, stream, Start(), ADA)
        handled = await ours.handler.handle(CONVERSATION, stream, Start(), KEYED)
        assert (handled.version, handled.events, handled.is_replay) == (1, (), False)
        assert await ours.count("events") == 1
        assert await ours.count("idempotency") == 0


async def test_command_gives_up_when_it_loses_every_race(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commands.handle.ATTEMPTS", 3)
    async with handling(database_url) as ours:
        stream = new_stream()
        await ours.handler.handle(CONVERSATION, stream, Start(), ADA)
        decided_at: list[int] = []

        async def outrun() -> None:
            async with log_node(database_url) as rival:
                await rival.store.append(append_to(stream, len(decided_at)))

        def decide(command: Any, state: ConversationState) -> list[Event]:
            decided_at.append(len(decided_at))
            run_apart(outrun())
            return [c.Renamed(title=command.title)]

        with pytest.raises(VersionConflict):
            await ours.handler.handle(
                replace(CONVERSATION, decide=decide), stream, Rename(title="t"), ADA
            )
        # Once on what was remembered, and as often as it may on what is stored.
        assert len(decided_at) == 1 + 3
        assert await ours.count("events") == 5
        handled = await ours.handler.handle(CONVERSATION, stream, Rename(title="t"), ADA)
        assert handled.version == 6


async def test_remembered_state_is_decided_on_without_a_read(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with handling(database_url) as ours:
        stream = new_stream()
        monkeypatch.setattr(ours.node.store, "read_stream", None)
        await ours.handler.handle(CONVERSATION, stream, Start(), ADA, is_new=True)
        handled = await ours.handler.handle(CONVERSATION, stream, Rename(title="t"), ADA)
        assert handled.version == 2


async def test_refusal_is_what_the_stored_state_says_and_not_the_remembered(
    database_url: str,
) -> None:
    async with handling(database_url) as one, handling(database_url) as two:
        stream = new_stream()
        await one.handler.handle(CONVERSATION, stream, post("m1", "r1"), ADA)
        await two.handler.handle(CONVERSATION, stream, Rename(title="t"), ADA)
        # One still remembers no title that would make this nothing to store.
        unchanged = await one.handler.handle(CONVERSATION, stream, Rename(title="t"), ADA)
        assert (unchanged.version, list(unchanged.events)) == (4, [])
        await two.handler.handle(CONVERSATION, stream, Delete(), ADA)
        with pytest.raises(NotFound):
            await one.handler.handle(CONVERSATION, stream, Rename(title="u"), ADA)


async def test_stream_that_was_not_new_after_all_is_decided_on_as_it_is(database_url: str) -> None:
    async with handling(database_url) as one, handling(database_url) as two:
        stream = new_stream()
        await one.handler.handle(CONVERSATION, stream, Start(), ADA)
        handled = await two.handler.handle(
            CONVERSATION, stream, Rename(title="t"), ADA, is_new=True
        )
        assert handled.version == 2


async def test_tasks_and_conversations_share_a_handler(database_url: str) -> None:
    async with handling(database_url) as ours:
        task_id = str(new_id())
        stream = task.stream_of(task_id)
        call = replace(ADA, idempotency_key="call-1")
        command = AddTask(task_id=task_id, title="milk", call_id="call-1")
        await asyncio.gather(*(ours.handler.handle(TASK, stream, command, call) for _ in range(9)))
        done = await ours.handler.handle(TASK, stream, CompleteTask(task_id=task_id), ADA)
        assert done.state.status == "completed"
        assert [type(event) for event in await ours.events_of(stream)] == [
            task.Added,
            task.Completed,
        ]


async def test_cancelled_command_lets_the_next_one_through(database_url: str) -> None:
    async with handling(database_url) as ours:
        stream = new_stream()
        await ours.handler.handle(CONVERSATION, stream, post("m1", "r1"), ADA)
        requests = [
            asyncio.create_task(ours.handler.handle(CONVERSATION, stream, feedback(n), ADA))
            for n in range(10)
        ]
        await asyncio.sleep(0)
        for request in requests[:-1]:
            request.cancel()
        async with asyncio.timeout(5):
            await asyncio.gather(*requests, return_exceptions=True)
            retry = RetryAfter(message_id="m1", run_id="r2", branch_id="b")
            with pytest.raises(Rejected):
                await ours.handler.handle(CONVERSATION, stream, retry, ADA)
        assert "item-9" in given_to(await ours.events_of(stream))
