"""What one writer waits for an append, on a socket and 3 ms away."""

from __future__ import annotations

import time
from collections.abc import Sequence

import asyncpg

from benchmarks.baselines import connections, insert_for
from benchmarks.delay import delayed
from benchmarks.measures import Goal, Measure, compared, percentile
from benchmarks.node import append_for, log_node
from benchmarks.pgbench import prepare
from benchmarks.plan import Plan
from benchmarks.server import database
from runtime.embedded import EmbeddedServer

ROUND_TRIP_SECONDS = 0.003
PINGS = 200


async def measure(server: EmbeddedServer, plan: Plan) -> list[Measure]:
    async with database(server, "bare_insert") as plain_url, database(server, "one") as our_url:
        await prepare(plain_url)
        near = await _compare(plain_url, our_url, plan, "on a socket")
        async with (
            delayed(plain_url, ROUND_TRIP_SECONDS) as far_plain,
            delayed(our_url, ROUND_TRIP_SECONDS) as far_ours,
        ):
            far = await _compare(far_plain, far_ours, plan, "3 ms away")
    return [near, far]


async def _compare(plain_url: str, our_url: str, plan: Plan, place: str) -> Measure:
    ours: list[float] = []
    bare: list[float] = []
    async with connections(plain_url, 1) as held, log_node(our_url) as node:
        round_trip_ms = 1e3 * await _ping(held[0])
        for _ in range(plan.rounds):
            bare.append(_median_ms((await insert_for(held, plan.round_seconds)).latencies))
            ours.append(_median_ms((await append_for(node, 1, plan.round_seconds)).latencies))
            await node.settle()
    return compared(
        f"append latency p50, one writer, {place} (SELECT 1: {round_trip_ms:.2f} ms)",
        "ms",
        ours,
        "a bare asyncpg INSERT",
        bare,
        Goal(1.5, 2.0, is_upper=True),
    )


def _median_ms(latencies: Sequence[float]) -> float:
    return 1e3 * percentile(latencies, 0.5)


async def _ping(connection: asyncpg.Connection) -> float:
    taken = []
    for _ in range(PINGS):
        began = time.perf_counter()
        await connection.fetchval("SELECT 1")
        taken.append(time.perf_counter() - began)
    return percentile(sorted(taken), 0.5)
