"""One event of the library as one of ours, and back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import cast

import msgspec
from eventsourcing.persistence import IntegrityError, Notification, StoredEvent

from events.event import Event, event
from events.stored import RecordedEvent

CATEGORY = "stock"
PREFIX = f"{CATEGORY}."


class Recorded(Event, frozen=True, kw_only=True):
    #: The version the library gave it: from 0, from 1 or from anywhere.
    originator_version: int
    content: bytes


@cache
def event_class(topic: str) -> type[Recorded]:
    """The class of a topic of the library's.

    Registered when first used: what is known while tests are collected has to be documented.
    """
    cls = msgspec.defstruct(
        "Recorded", [], bases=(Recorded,), frozen=True, kw_only=True, omit_defaults=True
    )
    return event(PREFIX + topic)(cast(type[Recorded], cls))


def stream_of(originator_id: uuid.UUID | str) -> str:
    return f"{CATEGORY}-{originator_id}"


def originator_of(stream_id: str) -> uuid.UUID:
    return uuid.UUID(stream_id.removeprefix(f"{CATEGORY}-"))


def to_events(stored: Sequence[StoredEvent]) -> list[Event]:
    """Of one originator. Our append counts by itself, so it is here that the count is checked."""
    versions = [each.originator_version for each in stored]
    if any(later != earlier + 1 for earlier, later in pairwise(versions)):
        raise IntegrityError(f"Versions of one originator must follow each other: {versions}.")
    return [
        event_class(each.topic)(originator_version=each.originator_version, content=each.state)
        for each in stored
    ]


def to_stored_event(recorded: RecordedEvent) -> StoredEvent:
    content = _content_of(recorded)
    return StoredEvent(
        originator_id=originator_of(recorded.stream_id),
        originator_version=content.originator_version,
        topic=content.topic.removeprefix(PREFIX),
        state=content.content,
    )


def to_notification(recorded: RecordedEvent) -> Notification:
    if recorded.position is None:
        raise AssertionError("The log handed out an event without its position.")
    return Notification(**vars(to_stored_event(recorded)), id=recorded.position)


def original_version(recorded: RecordedEvent) -> int:
    return _content_of(recorded).originator_version


def _content_of(recorded: RecordedEvent) -> Recorded:
    if not isinstance(recorded.event, Recorded):
        raise AssertionError(f"{recorded.stream_id} holds an event that no adapter wrote.")
    return recorded.event
