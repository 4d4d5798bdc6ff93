"""The events of a task: stream `task-<uuid>`."""

from __future__ import annotations

from typing import Any

import msgspec

from events.event import Event, event

CATEGORY = "task"


def stream_of(task_id: str) -> str:
    return f"{CATEGORY}-{task_id}"


def id_of(stream_id: str) -> str:
    return stream_id.removeprefix(f"{CATEGORY}-")


@event("task.added")
class Added(Event, frozen=True, kw_only=True):
    title: str
    notes: str = ""
    #: The tool call that caused it, where there is one.
    call_id: str | None = None
    #: What the tool answered, so that the same call gets the same answer again.
    result: dict[str, Any] = msgspec.field(default_factory=dict)


@event("task.renamed")
class Renamed(Event, frozen=True, kw_only=True):
    title: str
    notes: str
    call_id: str | None = None
    #: What the tool answered, so that the same call gets the same answer again.
    result: dict[str, Any] = msgspec.field(default_factory=dict)


@event("task.completed")
class Completed(Event, frozen=True, kw_only=True):
    call_id: str | None = None
    #: What the tool answered, so that the same call gets the same answer again.
    result: dict[str, Any] = msgspec.field(default_factory=dict)


@event("task.reopened")
class Reopened(Event, frozen=True, kw_only=True):
    call_id: str | None = None
    #: What the tool answered, so that the same call gets the same answer again.
    result: dict[str, Any] = msgspec.field(default_factory=dict)


@event("task.deleted")
class Deleted(Event, frozen=True, kw_only=True):
    call_id: str | None = None
    #: What the tool answered, so that the same call gets the same answer again.
    result: dict[str, Any] = msgspec.field(default_factory=dict)
