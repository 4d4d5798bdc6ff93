"""Python's garbage collector in a process that serves."""

from __future__ import annotations

import gc

#: Of new objects; Python's 700 are what a few appends make, and walking everything that lives
#: took a tenth of the time at 256 conversations, 70 ms at once.
YOUNGEST = 10_000
GENERATIONS_BEFORE_NEXT = 20


def rest_collector() -> None:
    """Leave what was imported out of all collections, and collect the rest less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNGEST, GENERATIONS_BEFORE_NEXT, GENERATIONS_BEFORE_NEXT)
