"""`scripts/bench audit`: what proving the log costs, when it is written and when it is checked."""

from __future__ import annotations

from benchmarks import bundles, growing, long_tree
from benchmarks.plan import Part

PARTS: dict[str, Part] = {
    "bundle": bundles.measure,
    "proof": long_tree.measure,
    "append": growing.measure,
}
