"""Appends where a commit takes 3 ms, as with a synchronous replica or a remote log of writes."""

from __future__ import annotations

from benchmarks.baselines import connections, insert_for, insert_under_lock
from benchmarks.measures import Goal, Measure, Rate, compared
from benchmarks.node import append_for, log_node
from benchmarks.pgbench import prepare
from benchmarks.plan import Plan
from benchmarks.server import database, execute
from runtime.embedded import EmbeddedServer

CALLERS = 32
COMMIT_MICROSECONDS = 3_000


async def measure(server: EmbeddedServer, plan: Plan) -> list[Measure]:
    ours: list[Rate] = []
    locked: list[Rate] = []
    async with database(server, "locked") as locked_url, database(server, "slow") as slow_url:
        await prepare(locked_url)
        for name in ("locked", "slow"):
            await _slow_down(server.url, name)
        async with connections(locked_url, CALLERS) as held, log_node(slow_url) as node:
            for _ in range(plan.rounds):
                ours.append(await append_for(node, CALLERS, plan.round_seconds))
                await node.settle()
                locked.append(await insert_for(held, plan.round_seconds, insert_under_lock))
    return [
        compared(
            "appends of one event, 32 conversations, 3 ms a commit",
            "/s",
            [rate.per_second for rate in ours],
            "LOCK TABLE for each append, 32 connections, 3 ms a commit",
            [rate.per_second for rate in locked],
            Goal(12.0, 10.0),
        )
    ]


async def _slow_down(url: str, name: str) -> None:
    # The server sleeps this long before each flush of its log; commits that wait flush together.
    await execute(url, f"ALTER DATABASE {name} SET commit_delay = {COMMIT_MICROSECONDS}")
    await execute(url, f"ALTER DATABASE {name} SET commit_siblings = 0")
