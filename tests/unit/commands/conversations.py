"""Events and commands of a conversation, with defaults for what a test does not speak of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from commands.conversation import PostMessage
from commands.run import Call, RecordResponse, Reply
from events import conversation as c
from events.event import Event

STARTED = c.Started()
USAGE = c.Usage(requests=1, input_tokens=20, output_tokens=5)


def posted(message_id: str = "m1", text: str = "hello") -> c.UserMessagePosted:
    return c.UserMessagePosted(message_id=message_id, text=text)


def requested(
    run_id: str = "r1", message_id: str = "m1", trigger: str = "message"
) -> c.RunRequested:
    return c.RunRequested(run_id=run_id, message_id=message_id, trigger=trigger)


def run_started(run_id: str = "r1", attempt: int = 1) -> c.RunStarted:
    return c.RunStarted(
        run_id=run_id,
        attempt=attempt,
        model="offline",
        context_event_ids=("e1",),
        context_hash="00",
        context_tokens=7,
    )


def responded(run_id: str = "r1", attempt: int = 1) -> c.ModelResponded:
    return c.ModelResponded(
        run_id=run_id,
        attempt=attempt,
        response_id="resp1",
        items=({"type": "message"},),
        usage=USAGE,
        model="offline",
    )


def called(call_id: str = "c1", run_id: str = "r1", attempt: int = 1) -> c.ToolCalled:
    return c.ToolCalled(
        run_id=run_id,
        attempt=attempt,
        call_id=call_id,
        provider_call_id="p1",
        name="add_task",
        arguments="{}",
    )


def completed_call(call_id: str = "c1", run_id: str = "r1") -> c.ToolCompleted:
    return c.ToolCompleted(run_id=run_id, call_id=call_id, output="done")


def asked(message_id: str = "m1", run_id: str = "r1") -> tuple[Event, ...]:
    """A message that waits for its reply."""
    return posted(message_id), requested(run_id, message_id)


#: A conversation whose only run is at work.
AT_WORK: tuple[Event, ...] = (STARTED, *asked(), run_started())
#: The same, with a tool call that waits for its result.
CALLING: tuple[Event, ...] = (*AT_WORK, responded(), called())
#: A conversation whose only run is over.
ANSWERED: tuple[Event, ...] = (*AT_WORK, responded(), c.RunCompleted(run_id="r1", usage=USAGE))


def post(message_id: str = "m1", run_id: str = "r1", **changes: Any) -> PostMessage:
    return PostMessage(message_id=message_id, run_id=run_id, **{"text": "hello", **changes})


def respond(
    *, attempt: int = 1, replies: tuple[Reply, ...] = (), calls: tuple[Call, ...] = ()
) -> RecordResponse:
    return RecordResponse(
        run_id="r1",
        attempt=attempt,
        response_id="resp1",
        items=({"type": "message"},),
        usage=USAGE,
        model="offline",
        adjusted=(),
        replies=replies,
        calls=calls,
    )


def call(call_id: str = "c1", *, needs_approval: bool = False) -> Call:
    return Call(
        call_id=call_id,
        provider_call_id="p1",
        name="add_task",
        arguments="{}",
        needs_approval=needs_approval,
    )


def lines_of(log: Iterable[Event]) -> tuple[dict[str, list[str]], str]:
    """The messages of each branch, told by the names in the events alone; and the active branch."""
    lines: dict[str, list[str]] = {"main": []}
    active = "main"
    for event in log:
        match event:
            case c.UserMessagePosted(message_id=message_id):
                lines[active].append(message_id)
            case c.BranchForked(branch_id=branch_id, parent_id=parent_id, side=side):
                at = lines[parent_id].index(event.message_id)
                lines[branch_id] = lines[parent_id][: at + (side == "after")]
                active = branch_id
            case c.BranchSwitched(branch_id=branch_id, from_branch_id=from_branch_id):
                assert from_branch_id == active
                active = branch_id
    return lines, active
