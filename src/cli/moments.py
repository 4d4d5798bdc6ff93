"""A point in a conversation: `12` is a stream version, `@340` a log position, else a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli.errors import Usage

if TYPE_CHECKING:
    from events.stored import StoredEvent


@dataclass(frozen=True, slots=True)
class Moment:
    version: int | None = None
    position: int | None = None
    time: datetime | None = None

    def has_passed(self, event: StoredEvent) -> bool:
        """Whether an event lies after the point."""
        if self.version is not None:
            return event.stream_version > self.version
        if self.position is not None:
            return event.position is None or event.position > self.position
        return self.time is not None and event.recorded_at > self.time


def parse_moment(text: str | None) -> Moment:
    """Raises Usage."""
    if text is None:
        return Moment()
    if text.isdecimal():
        return Moment(version=int(text))
    if text.startswith("@") and text[1:].isdecimal():
        return Moment(position=int(text[1:]))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Usage(
            f"{text!r} is no point in a conversation: give a version (12), a position (@340) "
            "or a time (2026-01-31T12:00:00)."
        ) from None
    return Moment(time=moment if moment.tzinfo else moment.replace(tzinfo=UTC))
