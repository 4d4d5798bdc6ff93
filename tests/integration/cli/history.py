"""A conversation with a tool call, as events that were sealed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg

from agent.context import build_context, context_hash
from events import conversation as c
from events.conversation import id_of
from events.event import Event
from events.ids import new_id
from tests.log_node import append_to, log_node, new_stream

TOPICS = (
    "conversation.started",
    "conversation.user_message_posted",
    "conversation.run_requested",
    "conversation.tool_called",
    "conversation.tool_completed",
    "conversation.assistant_message_posted",
)
#: What would clear an operator's screen.
HOSTILE = "buy \x1b[2Jmilk \x9b31m"


@dataclass(frozen=True)
class Written:
    conversation_id: str
    recorded_at: list[datetime]


async def write_history(
    url: str, text: str = "add buy milk", *, is_contradictory: bool = False
) -> Written:
    """Two appends, so that the last event has a time of its own."""
    stream_id = new_stream()
    beginning: tuple[Event, ...] = (
        c.Started(),
        c.UserMessagePosted(message_id="m1", text=text),
        c.RunRequested(run_id="r1", message_id="m1"),
        c.ToolCalled(
            run_id="r1",
            attempt=1,
            call_id="t1",
            provider_call_id="p1",
            name="add_task",
            arguments='{"title": "buy milk"}',
        ),
        c.ToolCompleted(run_id="r1", call_id="t1", output='{"status": "pending"}'),
    )
    if is_contradictory:  # a tool was called in a run that nobody requested
        beginning = tuple(e for e in beginning if not isinstance(e, c.RunRequested))
    reply = c.AssistantMessagePosted(run_id="r1", message_id="m2", text="Added “buy milk”.")
    async with log_node(url, size=6) as node:
        await node.store.append(append_to(stream_id, 0, *beginning))
        await node.store.append(append_to(stream_id, len(beginning), reply))
        await node.sealer.seal()
        times = await node.pool.fetch(
            "SELECT recorded_at FROM verbatim.events WHERE stream_id = $1 ORDER BY stream_version",
            stream_id,
        )
    return Written(id_of(stream_id), [row["recorded_at"] for row in times])


async def write_started_run(url: str) -> str:
    """A run whose first attempt has asked the model."""
    stream_id, run_id = new_stream(), str(new_id())
    asked = (
        c.Started(),
        c.UserMessagePosted(message_id="m1", text="add buy milk"),
        c.RunRequested(run_id=run_id, message_id="m1"),
    )
    async with log_node(url, size=6) as node:
        await node.store.append(append_to(stream_id, 0, *asked))
        context = build_context(await node.store.read_stream(stream_id), run_id, 15)
        started = c.RunStarted(
            run_id=run_id,
            attempt=1,
            model="scripted",
            context_event_ids=context.event_ids,
            context_hash=context_hash(await node.keys.current("ada"), context),
            context_tokens=context.tokens,
        )
        append = append_to(stream_id, len(asked), started)
        await node.store.append(replace(append, actor=f"agent:{run_id}"))
        await node.sealer.seal()
    return run_id


async def add_message(url: str, conversation_id: str, version: int, text: str) -> None:
    posted = c.UserMessagePosted(message_id=f"m{version}", text=text)
    async with log_node(url, size=6) as node:
        await node.store.append(append_to(c.stream_of(conversation_id), version, posted))
        await node.sealer.seal()


async def erase(url: str, owner_id: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("DELETE FROM verbatim.data_keys WHERE owner_id = $1", owner_id)
    finally:
        await connection.close()


async def write_branches(url: str) -> str:
    """A message that was answered twice, then edited, and gone back to; the conversation's id."""
    stream_id = new_stream()
    events: tuple[Event, ...] = (
        c.Started(),
        c.UserMessagePosted(message_id="m1", text="hello"),
        c.RunRequested(run_id="r1", message_id="m1"),
        c.BranchForked(branch_id="b1", parent_id="main", message_id="m1"),
        c.RunRequested(run_id="r2", message_id="m1", trigger="retry"),
        c.AssistantMessagePosted(run_id="r1", message_id="a1", text="late", is_partial=True),
        c.BranchForked(branch_id="b2", parent_id="main", message_id="m1", side="before"),
        c.UserMessagePosted(message_id="m2", text="hi"),
        c.BranchSwitched(branch_id="b1", from_branch_id="b2"),
        c.UserMessagePosted(message_id="m3", text="on"),
    )
    async with log_node(url, size=6) as node:
        await node.store.append(append_to(stream_id, 0, *events))
        await node.sealer.seal()
    return id_of(stream_id)
