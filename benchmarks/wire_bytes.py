"""Whether a long reply costs more bytes a delta than a short one."""

from __future__ import annotations

from benchmarks.measures import Goal, Measure
from benchmarks.paced_model import request_for
from benchmarks.plan import Plan
from benchmarks.reply import ask
from benchmarks.server import database
from benchmarks.serving import served, token_of
from benchmarks.stock_chatkit import stock
from runtime.embedded import EmbeddedServer

SHORT_DELTAS = 1_000
LONG_DELTAS = 10_000


async def measure(server: EmbeddedServer, plan: Plan) -> list[Measure]:
    async with database(server, "bytes") as url, served(url, "paced") as us, stock() as them:
        token = token_of("ada")
        short = await _bytes_a_delta(us.port, SHORT_DELTAS, token)
        long = await _bytes_a_delta(us.port, LONG_DELTAS, token)
        theirs = await _bytes_a_delta(them.port, LONG_DELTAS)
    return [
        Measure(
            measure=f"bytes a delta in a reply of {LONG_DELTAS:,} deltas",
            value=long,
            unit="bytes",
            against=against,
            baseline=baseline,
            ratio=long / baseline,
            goal=goal,
        )
        for against, baseline, goal in (
            (f"a reply of {SHORT_DELTAS:,}", short, Goal(1.05, 1.05, is_upper=True)),
            ("the stock pipeline", theirs, None),
        )
    ]


async def _bytes_a_delta(port: int, deltas: int, token: str = "") -> float:
    reply = await ask(port, request_for(deltas, 0.0), token=token)
    await reply.end()
    if len(reply.deltas) != deltas:
        raise RuntimeError(f"expected {deltas} deltas, found {len(reply.deltas)}")
    return reply.received_bytes / deltas
