"""`scripts/bench append`: what storing, sealing and reading events costs, part by part."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Set

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
from benchmarks.measures import Measure
from benchmarks.plan import Plan
from runtime.embedded import EmbeddedServer

PARTS: dict[str, Callable[[EmbeddedServer, Plan], Awaitable[list[Measure]]]] = {
    "throughput": throughput.measure,
    "slow_commits": slow_commits.measure,
    "latency": latency.measure,
    "posting": posting.measure,
    "items": items.measure,
    "subscribing": subscribing.measure,
    "sealing": sealing.measure,
    "stages": stages.measure,
}


async def measure(server: EmbeddedServer, plan: Plan, only: Set[str]) -> list[Measure]:
    found: list[Measure] = []
    for name, part in PARTS.items():
        if only and name not in only:
            continue
        print(f"… {name}", file=sys.stderr)
        found += await part(server, plan)
    return found
