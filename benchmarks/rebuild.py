"""`scripts/bench rebuild`: how fast read tables are made again, and read when they are large."""

from __future__ import annotations

from benchmarks import history_pages, rebuilding
from benchmarks.plan import Part

PARTS: dict[str, Part] = {
    "rebuilding": rebuilding.measure,
    "history": history_pages.measure,
}
