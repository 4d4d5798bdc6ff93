"""`scripts/bench stream`: what a reply's way to its readers costs, part by part."""

from __future__ import annotations

from benchmarks import crowd, first_delta, resumption, wire_bytes
from benchmarks.plan import Part

PARTS: dict[str, Part] = {
    "first_delta": first_delta.measure,
    "crowd": crowd.measure,
    "wire_bytes": wire_bytes.measure,
    "resumption": resumption.measure,
}
