"""`scripts/bench append`: what storing, sealing and reading events costs, part by part."""

from __future__ import annotations

from benchmarks import (
    items,
    latency,
    posting,
    sealing,
    slow_commits,
    stages,
    subscribing,
    throughput,
)
from benchmarks.plan import Part

PARTS: dict[str, Part] = {
    "throughput": throughput.measure,
    "slow_commits": slow_commits.measure,
    "latency": latency.measure,
    "posting": posting.measure,
    "items": items.measure,
    "subscribing": subscribing.measure,
    "sealing": sealing.measure,
    "stages": stages.measure,
}
