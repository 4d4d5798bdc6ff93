"""Where a row stands in its conversation: by turn, then by the order of the events.

A turn is named by the stream version of its user message, so the rows of two queued turns never
interleave although their events do.
"""

from __future__ import annotations

from projections.errors import InconsistentHistory

OFFSET_BITS = 24


def ordinal_of(turn: int, stream_version: int) -> int:
    offset = stream_version - turn
    if not 0 <= offset < 1 << OFFSET_BITS:
        raise InconsistentHistory(
            f"Stream version {stream_version} cannot belong to the turn that began at {turn}."
        )
    return (turn << OFFSET_BITS) + offset


def turn_of(ordinal: int) -> int:
    return ordinal >> OFFSET_BITS


def version_of(ordinal: int) -> int:
    """The stream version of the event that began the row."""
    return turn_of(ordinal) + ordinal % (1 << OFFSET_BITS)
