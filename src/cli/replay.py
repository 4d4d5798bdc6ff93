"""How an event reads, for a person and as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import orjson

from events import conversation as c
from events import task as t
from events.event import Event
from events.stored import RecordedEvent, StoredEvent

TEXT_CHARACTERS = 2_000
ARGUMENT_CHARACTERS = 300


def line_of(recorded: RecordedEvent, mark: str) -> str:
    """One event as a line (or a paragraph, where it holds text); `mark` says on which branch."""
    return _line(recorded.stream_version, recorded.recorded_at, mark + describe(recorded.event))


def erased_line(stored: StoredEvent) -> str:
    return _line(stored.stream_version, stored.recorded_at, describe_erased(stored))


def json_of(recorded: RecordedEvent, branch_id: str | None) -> dict[str, Any]:
    return {
        "stream_id": recorded.stream_id,
        "version": recorded.stream_version,
        "position": recorded.position,
        "event_id": recorded.event_id,
        "topic": recorded.event.topic,
        "schema_version": recorded.event.schema_version,
        "recorded_at": recorded.recorded_at.isoformat(),
        "owner_id": recorded.owner_id,
        "branch_id": branch_id,
        "metadata": dict(recorded.metadata),
        "is_erased": False,
        "data": msgspec.to_builtins(msgspec.structs.asdict(recorded.event)),
    }


def erased_json(stored: StoredEvent) -> dict[str, Any]:
    """The same members; of an event whose data key was destroyed, `data` is null."""
    return {
        "stream_id": stored.stream_id,
        "version": stored.stream_version,
        "position": stored.position,
        "event_id": str(stored.event_id),
        "topic": stored.topic,
        "schema_version": stored.schema_version,
        "recorded_at": stored.recorded_at.isoformat(),
        "owner_id": stored.owner_id,
        "branch_id": None,
        "metadata": orjson.loads(stored.metadata),
        "is_erased": True,
        "data": None,
    }


def describe_erased(stored: StoredEvent) -> str:
    return f"{_words(stored.topic)} (erased)"


def describe(event: Event) -> str:
    match event:
        case c.UserMessagePosted():
            return f"user: {_cut(event.text, TEXT_CHARACTERS)}"
        case c.AssistantMessagePosted():
            cut_short = " (cut short)" if event.is_partial else ""
            return f"assistant{cut_short}: {_cut(event.text, TEXT_CHARACTERS)}"
        case c.ToolCalled():
            return f"tool {event.name} called with {_cut(event.arguments, ARGUMENT_CHARACTERS)}"
        case c.ToolCompleted():
            return f"tool succeeded: {_cut(event.output, ARGUMENT_CHARACTERS)}"
        case c.ToolFailed():
            return f"tool failed: {_cut(event.error, ARGUMENT_CHARACTERS)}"
        case c.ToolOutcomeUnknown():
            return f"tool outcome unknown: {event.reason}"
        case c.RunStarted():
            return (
                f"run started, attempt {event.attempt}, model {event.model}, "
                f"context of {len(event.context_event_ids)} events"
            )
        case c.RunResumed():
            return f"run resumed, attempt {event.attempt}"
        case c.ModelResponded():
            usage = event.usage
            return (
                f"model responded with {len(event.items)} items "
                f"({usage.input_tokens} tokens in, {usage.output_tokens} out)"
            )
        case c.RunFailed():
            return f"run failed: {event.message}"
        case c.BranchForked():
            return _forked(event)
        case c.BranchSwitched():
            return f"branch switched from {event.from_branch_id} to {event.branch_id}"
        case c.Started() | c.Renamed():
            return f"{_words(event.topic)}" + (f": {event.title}" if event.title else "")
        case t.Added() | t.Renamed():
            return f"{_words(event.topic)}: {event.title}"
        case _:
            return _words(event.topic)


def _forked(event: c.BranchForked) -> str:
    of = f" of {event.parent_id}" if event.parent_id else ""
    if event.side == "before":
        return f"branch {event.branch_id} forked, in the place of message {event.message_id}{of}"
    return f"branch {event.branch_id} forked, to answer message {event.message_id}{of} again"


def _line(version: int, recorded_at: datetime, text: str) -> str:
    return f"{version:>5}  {recorded_at:%Y-%m-%d %H:%M:%S}  {text}"


def _words(topic: str) -> str:
    """`conversation.run_completed` as `run completed`; other categories keep their name."""
    category, _, name = topic.partition(".")
    words = name.replace("_", " ")
    return words if category == "conversation" else f"{category} {words}"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… [{len(text) - limit} more characters]"
