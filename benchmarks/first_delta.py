"""How long a reply takes to begin: after the bare Agents SDK, and after the stock pipeline."""

from __future__ import annotations

import time
from collections.abc import Sequence

from agents import Agent, RunConfig, Runner

from benchmarks.measures import Goal, Measure, compared, percentile
from benchmarks.paced_model import PacedModel, request_for
from benchmarks.plan import Plan
from benchmarks.reply import Reply, ask
from benchmarks.server import database
from benchmarks.serving import served, token_of
from benchmarks.stock_chatkit import stock
from runtime.embedded import EmbeddedServer

WISH = request_for(3, 0.01)
#: Before the clock counts: connections, keys and caches are there by then.
WARM_UP_REPLIES = 5


async def measure(server: EmbeddedServer, plan: Plan) -> list[Measure]:
    ours: list[Reply] = []
    theirs: list[list[Reply]] = []
    rounds: list[list[Reply]] = []
    bare: list[float] = []
    token = token_of("ada")
    async with database(server, "beginning") as url, served(url, "paced") as us, stock() as them:
        for _ in range(WARM_UP_REPLIES):
            await _bare_seconds()
        await _replies(us.port, WARM_UP_REPLIES, token)
        await _replies(them.port, WARM_UP_REPLIES)
        for _ in range(plan.rounds):
            bare += [await _bare_seconds() for _ in range(plan.replies)]
            rounds.append(await _replies(us.port, plan.replies, token))
            theirs.append(await _replies(them.port, plan.replies))
            ours += rounds[-1]
    return [
        _added("p50", 0.5, ours, bare, Goal(15.0, 15.0, is_upper=True)),
        _added("p99", 0.99, ours, bare, Goal(50.0, 50.0, is_upper=True)),
        compared(
            "from a run's request to its first frame, p50",
            "ms",
            [_median_ms(replies) for replies in rounds],
            "the stock pipeline's, which stores nothing",
            [_median_ms(replies) for replies in theirs],
        ),
    ]


def _added(
    name: str, share: float, ours: Sequence[Reply], bare: Sequence[float], goal: Goal
) -> Measure:
    with_us = percentile(sorted(reply.deltas[0] - reply.asked_at for reply in ours), share)
    without = percentile(sorted(bare), share)
    return Measure(
        measure=f"time to the first delta, {name}: what is added",
        value=1e3 * (with_us - without),
        unit="ms",
        against="the bare Agents SDK in process",
        baseline=1e3 * without,
        goal=goal,
    )


def _median_ms(replies: Sequence[Reply]) -> float:
    return 1e3 * percentile(sorted(reply.first_frame_at - reply.asked_at for reply in replies), 0.5)


async def _replies(port: int, count: int, token: str = "") -> list[Reply]:
    """One after the other."""
    replies = []
    for _ in range(count):
        replies.append(await ask(port, WISH, token=token))
        await replies[-1].end()
    return replies


async def _bare_seconds() -> float:
    agent = Agent(name="bare", model=PacedModel())
    began = time.perf_counter()
    result = Runner.run_streamed(agent, WISH, run_config=RunConfig(tracing_disabled=True))
    first = 0.0
    async for event in result.stream_events():
        is_delta = event.type == "raw_response_event" and "text.delta" in event.data.type
        if is_delta and not first:
            first = time.perf_counter() - began
    return first
