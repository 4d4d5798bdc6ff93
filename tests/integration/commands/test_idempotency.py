from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from commands.conversation import CONVERSATION, Rename
from commands.conversation_state import ConversationState
from commands.errors import Foreign, InvalidCommand
from commands.handle import Handled
from events import conversation as c
from events.errors import IdempotencyMismatch
from tests.log_node import new_stream

from .conversations import ADA, EVE, KEYED, Handling, handling, post


async def test_equal_sends_on_two_nodes_create_one_message(database_url: str) -> None:
    async with handling(database_url) as one, handling(database_url) as two:
        stream = new_stream()

        async def send(ours: Handling) -> Handled[ConversationState]:
            return await ours.handler.handle(CONVERSATION, stream, post(), KEYED)

        outcomes = await asyncio.gather(*(send((one, two)[n % 2]) for n in range(50)))
        assert [handled.is_replay for handled in outcomes].count(False) == 1
        stored = await one.events_of(stream)
        assert [type(event) for event in stored] == [c.Started, c.UserMessagePosted, c.RunRequested]
        for handled in outcomes:
            assert list(handled.events) == stored
            assert handled.version == 3
            assert list(handled.state.messages.values()) == [2]


async def test_replay_answers_with_its_own_events_after_others_came(database_url: str) -> None:
    async with handling(database_url) as ours:
        stream = new_stream()
        first = await ours.handler.handle(CONVERSATION, stream, post("m1"), KEYED)
        await ours.handler.handle(CONVERSATION, stream, Rename(title="later"), ADA)
        again = await ours.handler.handle(CONVERSATION, stream, post("m2"), KEYED)
        assert again.is_replay
        assert list(again.events) == list(first.events)
        assert again.version == 3
        assert await ours.count("events") == 4


async def test_replay_wins_over_what_the_state_would_refuse(database_url: str) -> None:
    async with handling(database_url) as ours:
        stream = new_stream()
        await ours.handler.handle(CONVERSATION, stream, post("m1"), KEYED)
        same = await ours.handler.handle(CONVERSATION, stream, post("m1"), KEYED)
        assert same.is_replay


async def test_idempotency_key_with_another_body_is_refused(database_url: str) -> None:
    async with handling(database_url) as ours:
        stream = new_stream()
        await ours.handler.handle(CONVERSATION, stream, post(), KEYED)
        for body in (b"other", None):
            other = replace(KEYED, request_body=body)
            with pytest.raises(IdempotencyMismatch, match="send-1"):
                await ours.handler.handle(CONVERSATION, stream, post(), other)
        assert await ours.count("events") == 3


async def test_idempotency_key_belongs_to_one_stream(database_url: str) -> None:
    async with handling(database_url) as ours:
        for _ in range(2):
            handled = await ours.handler.handle(CONVERSATION, new_stream(), post(), KEYED)
            assert not handled.is_replay


async def test_refused_command_stores_nothing_and_keeps_its_key_free(database_url: str) -> None:
    async with handling(database_url) as ours:
        stream = new_stream()
        with pytest.raises(InvalidCommand):
            await ours.handler.handle(CONVERSATION, stream, post(text=""), KEYED)
        assert await ours.count("events") == 0
        handled = await ours.handler.handle(CONVERSATION, stream, post(), KEYED)
        assert not handled.is_replay


async def test_replay_is_not_told_to_another_owner(database_url: str) -> None:
    async with handling(database_url) as ours:
        stream = new_stream()
        await ours.handler.handle(CONVERSATION, stream, post(), KEYED)
        keyed = replace(EVE, idempotency_key="send-1", request_body=b"hello")
        with pytest.raises(Foreign):
            await ours.handler.handle(CONVERSATION, stream, post(), keyed)
