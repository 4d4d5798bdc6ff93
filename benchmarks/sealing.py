"""From commit to sealed under an open load, and what becomes of it under a held snapshot."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence

import asyncpg

from benchmarks.measures import Goal, Measure, percentile
from benchmarks.node import LogNode, append_of, log_node
from benchmarks.plan import Plan
from benchmarks.server import database
from events.conversation import stream_of
from events.ids import new_id
from runtime.embedded import EmbeddedServer

APPENDS_PER_SECOND = 2_000
TICK_SECONDS = 0.002
CONVERSATIONS = 2_000
#: Before the clock counts.
WARM_UP_SECONDS = 1.0
#: How much of the end of a held snapshot is reported, when its effect is greatest.
LAST_SHARE = 0.25
SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM verbatim.heads"
SEALED = "SELECT stream_id, stream_version FROM verbatim.log WHERE position > $1 AND position <= $2"

Place = tuple[str, int]
#: When each event was committed, counted from the start, and how long it then waited.
Lags = Sequence[tuple[float, float]]


async def measure(server: EmbeddedServer, plan: Plan) -> list[Measure]:
    found: list[Measure] = []
    async with database(server, "sealing") as url, log_node(url) as node:
        seconds = plan.round_seconds * plan.rounds
        found += _measures("", await Load(node).run(WARM_UP_SECONDS + seconds), WARM_UP_SECONDS)
        await node.settle()
        holder = await asyncpg.connect(url)
        await holder.execute(SNAPSHOT)
        try:
            lags = await Load(node).run(plan.held_seconds)
        finally:
            await holder.close()
        note = f", at the end of {plan.held_seconds:.0f} s with a snapshot held"
        found += _measures(note, lags, plan.held_seconds * (1 - LAST_SHARE))
    return found


def _measures(note: str, lags: Lags, after_seconds: float) -> list[Measure]:
    counted = sorted(1e3 * lag for at, lag in lags if at >= after_seconds)
    return [
        Measure(
            measure=f"commit to sealed {name}, {APPENDS_PER_SECOND:,} appends/s{note}",
            value=percentile(counted, share),
            unit="ms",
            goal=Goal(bound, bound, is_upper=True),
        )
        for name, share, bound in (("p50", 0.5, 5.0), ("p99", 0.99, 30.0))
    ]


class Load:
    """Appends at a fixed rate, whoever waits; each event's lag from its commit to its seal."""

    def __init__(self, node: LogNode) -> None:
        self._node = node
        self._free = deque((stream_of(str(new_id())), 0) for _ in range(CONVERSATIONS))
        self._committed: dict[Place, float] = {}
        self._sealed: dict[Place, float] = {}
        self._appends: set[asyncio.Task[None]] = set()
        self._started = 0.0

    async def run(self, seconds: float) -> list[tuple[float, float]]:
        """Pairs of when an event was committed, counted from the start, and its lag."""
        self._started = time.perf_counter()
        follower = asyncio.create_task(self._follow(self._node.signal.head))
        await self._offer(seconds)
        await asyncio.gather(*self._appends)
        while len(self._sealed) < len(self._committed):
            self._node.sealer.wake()
            await asyncio.sleep(TICK_SECONDS)
        follower.cancel()
        return [
            (at - self._started, max(0.0, self._sealed[place] - at))
            for place, at in self._committed.items()
        ]

    async def _offer(self, seconds: float) -> None:
        offered = 0
        while (elapsed := time.perf_counter() - self._started) < seconds:
            while offered < elapsed * APPENDS_PER_SECOND and self._free:
                task = asyncio.create_task(self._append(*self._free.popleft()))
                self._appends.add(task)
                task.add_done_callback(self._appends.discard)
                offered += 1
            await asyncio.sleep(TICK_SECONDS)

    async def _append(self, stream_id: str, version: int) -> None:
        await self._node.store.append(append_of(stream_id, version))
        self._committed[stream_id, version + 1] = time.perf_counter()
        self._free.append((stream_id, version + 1))

    async def _follow(self, position: int) -> None:
        signal, pool = self._node.signal, self._node.database.direct
        while True:
            await signal.wait_beyond(position)
            heard_at, head = time.perf_counter(), signal.head
            for row in await pool.fetch(SEALED, position, head):
                self._sealed[row[0], row[1]] = heard_at
            position = head
