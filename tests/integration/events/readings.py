"""A family of events that has changed twice; fixtures/reading_v<n>.json hold what it once was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from events import event as registry
from events.event import Event, event

TOPIC = "test.reading_taken"
#: Where the kept rows stand: two of version 1, two of version 2, one of version 3.
STREAM = "station-0198d3f0-0000-7000-8000-0000000000aa"


class ReadingTaken(Event, frozen=True, kw_only=True):
    """Version 1 had degrees in Fahrenheit, version 2 one place, which could be missing."""

    schema_version: ClassVar[int] = 3

    celsius: float
    places: tuple[str, ...]

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["celsius"] = round((state.pop("fahrenheit") - 32) / 1.8, 1)

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        place = state.pop("place", None)
        state["places"] = [place.title()] if place else []


#: What the kept rows are today.
READINGS = (
    ReadingTaken(celsius=100.0, places=("York",)),
    ReadingTaken(celsius=-17.8, places=()),
    ReadingTaken(celsius=21.5, places=("Bath",)),
    ReadingTaken(celsius=0.0, places=()),
    ReadingTaken(celsius=4.2, places=("Bath", "York")),
)


@contextmanager
def known_to_this_release() -> Iterator[None]:
    """Only meanwhile: what every process knows has to be documented."""
    event(TOPIC)(ReadingTaken)
    try:
        yield
    finally:
        del registry._topics[TOPIC]
