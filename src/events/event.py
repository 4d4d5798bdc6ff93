"""What an event class is: a frozen struct with a topic, a schema version and upcasters.

The convention is the `eventsourcing` library's: a class at schema version 3 brings
`upcast_v1_v2(state)` and `upcast_v2_v3(state)`, each changing the decoded state in place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import msgspec

from events.errors import NewerSchema, UnknownTopic


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened. Fields are content; who and when stand in the metadata."""

    topic: ClassVar[str]
    schema_version: ClassVar[int] = 1


EventType = TypeVar("EventType", bound=type[Event])

_topics: dict[str, type[Event]] = {}


def event(topic: str) -> Callable[[EventType], EventType]:
    """Register a class under its stored name."""

    def register(cls: EventType) -> EventType:
        if topic in _topics:
            raise ValueError(f"Topic {topic!r} is registered twice.")
        cls.topic = topic
        _topics[topic] = cls
        return cls

    return register


def resolve_topic(topic: str, where: str = "") -> type[Event]:
    try:
        return _topics[topic]
    except KeyError:
        raise UnknownTopic(topic, where) from None


def known_topics() -> dict[str, type[Event]]:
    return dict(_topics)


def upcast(cls: type[Event], schema_version: int, state: dict[str, Any], where: str = "") -> None:
    """Bring a decoded state from the version it was stored at to the class's own."""
    if schema_version > cls.schema_version:
        raise NewerSchema(cls.topic, schema_version, cls.schema_version, where)
    for version in range(schema_version, cls.schema_version):
        getattr(cls, f"upcast_v{version}_v{version + 1}")(state)
