from __future__ import annotations

from typing import Any, ClassVar

import pytest

from events import codec
from events.errors import NewerSchema, UnknownTopic, UnreadableState
from events.event import Event, event, known_topics, resolve_topic, upcast

from .stored_events import KEY, stored_event, written_elsewhere


@event("test.measured")
class Measured(Event, frozen=True, kw_only=True):
    """Version 1 had degrees in Fahrenheit, version 2 a place that might be missing."""

    schema_version: ClassVar[int] = 3

    celsius: float
    places: tuple[str, ...]

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["celsius"] = (state.pop("fahrenheit") - 32) / 1.8

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        place = state.pop("place", None)
        state["places"] = [place.title()] if place else []


def read(schema_version: int, state: bytes) -> Event:
    stored = written_elsewhere("test.measured", schema_version, state)
    return codec.decode(stored, {KEY.key_id: KEY}).event


@pytest.mark.parametrize(
    ("schema_version", "state"),
    [
        (1, b'{"fahrenheit":212,"place":"york"}'),
        (2, b'{"celsius":100,"place":"york"}'),
        (3, b'{"celsius":100,"places":["York"]}'),
    ],
)
def test_older_shape_reads_as_the_newest(schema_version: int, state: bytes) -> None:
    assert read(schema_version, state) == Measured(celsius=100, places=("York",))


def test_event_is_written_at_the_version_of_its_class() -> None:
    stored = stored_event(Measured(celsius=1.5, places=()))
    assert stored.schema_version == 3
    assert codec.decode(stored, {KEY.key_id: KEY}).event == Measured(celsius=1.5, places=())


def test_newer_shape_is_refused_with_both_versions() -> None:
    with pytest.raises(NewerSchema, match=r"schema version 4, this release knows up to 3.*newer"):
        read(4, b'{"celsius":100,"places":[]}')


@pytest.mark.parametrize(
    ("schema_version", "state"),
    [
        (1, b'{"place":"york"}'),
        (1, b'{"fahrenheit":"hot"}'),
        (1, b"[]"),
        (1, b"[1]"),
        (1, b'"text"'),
        (1, b"{"),
        (2, b'{"celsius":1,"place":7}'),
        (2, b'{"place":"york"}'),
        (0, b'{"celsius":1,"places":[]}'),
    ],
    ids=[
        "field missing",
        "field of another type",
        "empty list",
        "list",
        "text",
        "no JSON",
        "attribute missing",
        "shape still wrong",
        "no such upcaster",
    ],
)
def test_shape_that_no_upcaster_understands_is_unreadable(
    schema_version: int, state: bytes
) -> None:
    with pytest.raises(UnreadableState, match=r"version 3 \(position 12\)"):
        read(schema_version, state)


def test_upcast_changes_the_state_in_place() -> None:
    state = {"fahrenheit": 32, "place": None}
    upcast(Measured, 1, state)
    assert state == {"celsius": 0, "places": []}
    upcast(Measured, 3, state)
    assert state == {"celsius": 0, "places": []}


def test_topic_names_one_class() -> None:
    assert resolve_topic("test.measured") is Measured
    assert known_topics()["test.measured"] is Measured
    with pytest.raises(ValueError, match="registered twice"):
        event("test.measured")(Measured)
    with pytest.raises(UnknownTopic, match=r"'test\.weighed' is unknown to this release"):
        resolve_topic("test.weighed")
