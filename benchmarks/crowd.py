"""Many replies at once, each at a fixed rate: what a delta costs, and how late it comes."""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.measures import Goal, Measure, compared, percentile
from benchmarks.paced_model import request_for
from benchmarks.plan import Plan
from benchmarks.processes import Served, database_cpu_seconds
from benchmarks.reply import Reply, ask
from benchmarks.server import database
from benchmarks.serving import served, token_of
from benchmarks.stock_chatkit import stock
from runtime.embedded import EmbeddedServer

STREAMS = 200
FEW_STREAMS = 10
DELTAS_PER_SECOND = 50
#: From the request to the first delta, for as many streams to be set up.
LEAD_SECONDS = {STREAMS: 6.0, FEW_STREAMS: 2.0}
#: From the first delta until the clock counts, and from then to the last delta.
SETTLE_SECONDS = 1.0
MARGIN_SECONDS = 2.0
USERS = 20


@dataclass(frozen=True, slots=True)
class Crowd:
    """What happened between two moments in which all streams were at work."""

    cpu_microseconds: float
    database_microseconds: float
    deltas_per_second: float
    #: Seconds between two deltas of a stream beyond the model's own, in order.
    added: Sequence[float]


async def measure(server: EmbeddedServer, plan: Plan) -> list[Measure]:
    ours: dict[int, list[Crowd]] = {STREAMS: [], FEW_STREAMS: []}
    theirs: dict[int, list[Crowd]] = {STREAMS: [], FEW_STREAMS: []}
    async with database(server, "crowd") as url, served(url, "paced") as us, stock() as them:
        for _ in range(plan.rounds):
            for streams in (STREAMS, FEW_STREAMS):
                theirs[streams].append(await _listen(them, streams, plan.round_seconds))
                ours[streams].append(await _listen(us, streams, plan.round_seconds, url))
    many = ours[STREAMS]
    return [
        _cost(STREAMS, many, theirs[STREAMS], Goal(1.5, 1.5, is_upper=True)),
        _cost(FEW_STREAMS, ours[FEW_STREAMS], theirs[FEW_STREAMS]),
        Measure(
            measure=f"the same with the database's share, {STREAMS} streams",
            value=_median([c.cpu_microseconds + c.database_microseconds for c in many]),
            unit="µs CPU a delta",
        ),
        _lateness(ours, theirs),
        Measure(
            measure=f"deltas through one worker, {STREAMS * DELTAS_PER_SECOND:,}/s offered",
            value=_median([c.deltas_per_second for c in many]),
            unit="/s",
            against="the stock pipeline",
            baseline=_median([c.deltas_per_second for c in theirs[STREAMS]]),
        ),
    ]


def _cost(
    streams: int, ours: Sequence[Crowd], theirs: Sequence[Crowd], goal: Goal | None = None
) -> Measure:
    return compared(
        f"server's CPU a delta, {streams} streams at {DELTAS_PER_SECOND}/s, frames stored",
        "µs",
        [crowd.cpu_microseconds for crowd in ours],
        "the stock pipeline, which stores none",
        [crowd.cpu_microseconds for crowd in theirs],
        goal,
    )


def _lateness(ours: dict[int, list[Crowd]], theirs: dict[int, list[Crowd]]) -> Measure:
    return Measure(
        measure=f"added between two deltas p99, {STREAMS} streams at {DELTAS_PER_SECOND}/s",
        value=_late_ms(ours[STREAMS]),
        unit="ms",
        against="the stock pipeline",
        baseline=_late_ms(theirs[STREAMS]),
        goal=Goal(20.0, 20.0, is_upper=True),
    )


def _late_ms(crowds: Sequence[Crowd]) -> float:
    return 1e3 * _median([percentile(crowd.added, 0.99) for crowd in crowds])


def _median(values: Sequence[float]) -> float:
    return percentile(sorted(values), 0.5)


async def _listen(side: Served, streams: int, seconds: float, url: str = "") -> Crowd:
    deltas = int((seconds + MARGIN_SECONDS) * DELTAS_PER_SECOND)
    tokens = [token_of(f"user-{n}") if url else "" for n in range(USERS)]
    starts_at = time.perf_counter() + LEAD_SECONDS.get(streams, 6.0)
    wish = request_for(deltas, 1 / DELTAS_PER_SECOND, starts_at)
    asking = (ask(side.port, wish, token=tokens[n % USERS]) for n in range(streams))
    replies = await asyncio.gather(*asking)
    await asyncio.sleep(starts_at + SETTLE_SECONDS - time.perf_counter())
    before, began = await _used(side, url), time.perf_counter()
    await asyncio.sleep(seconds)
    after, ended = await _used(side, url), time.perf_counter()
    await asyncio.gather(*(reply.end() for reply in replies))
    if lacking := [reply for reply in replies if len(reply.deltas) != deltas]:
        raise RuntimeError(f"{len(lacking)} of {streams} replies were not whole")
    if late := [reply for reply in replies if reply.deltas[0] > began]:
        print(f"{len(late)} of {streams} replies began late: again", file=sys.stderr)
        return await _listen(side, streams, seconds, url)
    return _crowd(replies, began, ended, [b - a for a, b in zip(before, after, strict=True)])


async def _used(side: Served, url: str) -> tuple[float, float]:
    return side.cpu_seconds, await database_cpu_seconds(url) if url else 0.0


def _crowd(replies: Sequence[Reply], began: float, ended: float, used: Sequence[float]) -> Crowd:
    seen = [[t for t in reply.deltas if began <= t < ended] for reply in replies]
    count = sum(map(len, seen))
    gaps = (b - a - 1 / DELTAS_PER_SECOND for times in seen for a, b in itertools.pairwise(times))
    return Crowd(
        cpu_microseconds=1e6 * used[0] / count,
        database_microseconds=1e6 * used[1] / count,
        deltas_per_second=count / (ended - began),
        added=sorted(gaps),
    )
