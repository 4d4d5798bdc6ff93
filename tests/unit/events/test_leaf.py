from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple, replace

from events.conversation import Started
from events.leaf import leaf_entry, leaf_hash
from events.stored import StoredEvent

from .stored_events import stored_event

# Few letters and short fields, so that what moves from one field to the next is found.
TEXTS = st.text("ab\x01", max_size=4)
STORED = st.builds(
    StoredEvent,
    stream_id=TEXTS,
    stream_version=st.integers(1, 3),
    event_id=st.sampled_from([uuid.UUID(int=1), uuid.UUID(int=2)]),
    topic=TEXTS,
    schema_version=st.integers(1, 2),
    state=st.binary(max_size=4),
    owner_id=TEXTS,
    metadata=TEXTS,
    recorded_at=st.sampled_from(
        [datetime(2026, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
    ),
)


@given(STORED, STORED)
@settings(max_examples=500)
def test_two_events_never_share_an_entry(one: StoredEvent, other: StoredEvent) -> None:
    assert (leaf_entry(one) == leaf_entry(other)) == (one == other)


@given(st.lists(TEXTS, min_size=4, max_size=4), st.integers(0, 8), st.data())
@settings(max_examples=300)
def test_moving_a_boundary_between_fields_changes_the_entry(
    texts: list[str], shift: int, data: st.DataObject
) -> None:
    names = ["stream_id", "topic", "owner_id", "metadata"]
    left = data.draw(st.integers(0, 2))
    joined = texts[left] + texts[left + 1]
    moved = [*texts]
    moved[left], moved[left + 1] = joined[:shift], joined[shift:]
    event = stored_event(Started())
    fields: list[dict[str, Any]] = [dict(zip(names, each, strict=True)) for each in (texts, moved)]
    before, after = (replace(event, **each) for each in fields)
    assert (leaf_entry(before) == leaf_entry(after)) == (texts == moved)


def test_every_field_is_in_the_entry_but_the_position() -> None:
    event = stored_event(Started(), position=4)
    changes: dict[str, Any] = {
        "stream_id": "other-1",
        "stream_version": 2,
        "event_id": uuid.UUID(int=9),
        "topic": "other",
        "schema_version": 2,
        "state": b"other",
        "owner_id": "eve",
        "metadata": "{}",
        "recorded_at": event.recorded_at + timedelta(microseconds=1),
    }
    assert len(changes) + 1 == len(astuple(event))
    entries = {leaf_entry(replace(event, **{name: value})) for name, value in changes.items()}
    assert len(entries | {leaf_entry(event)}) == len(changes) + 1
    assert leaf_entry(replace(event, position=5)) == leaf_entry(event)


def test_moment_is_the_same_in_every_time_zone() -> None:
    event = stored_event(Started())
    elsewhere = event.recorded_at.astimezone(None)
    assert leaf_entry(replace(event, recorded_at=elsewhere)) == leaf_entry(event)


def test_leaf_hash_is_that_of_rfc_6962() -> None:
    event = stored_event(Started())
    assert leaf_hash(event) == hashlib.sha256(b"\x00" + leaf_entry(event)).digest()
