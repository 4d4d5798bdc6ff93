"""Appending at a fixed rate while the tree grows and is signed, against no tree, and that twice."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.measures import Measure, compared, percentile
from benchmarks.node import LogNode, log_node
from benchmarks.plan import Plan
from benchmarks.sealing import APPENDS_PER_SECOND, Load
from benchmarks.server import database
from events.proofs.notary import Notary, open_signer
from runtime.checkpointing import Checkpoints
from runtime.embedded import EmbeddedServer

AFTER_EVENTS = 5_000
AFTER_SECONDS = 10.0
BARE = "no tree"


class TimedLoad(Load):
    """Keeps how long each append took."""

    def __init__(self, node: LogNode) -> None:
        super().__init__(node)
        self.seconds: list[float] = []

    async def _append(self, stream_id: str, version: int) -> None:
        started = time.perf_counter()
        await super()._append(stream_id, version)
        self.seconds.append(time.perf_counter() - started)


async def measure(server: EmbeddedServer, plan: Plan) -> list[Measure]:
    async with AsyncExitStack() as stack:
        nodes = [
            await stack.enter_async_context(
                log_node(await stack.enter_async_context(database(server, name)))
            )
            for name in ("plain", "also_plain", "proved")
        ]
        signing = await _sign(nodes[2])
        stack.callback(signing.cancel)
        found: list[list[float]] = [[], [], []]
        for _ in range(plan.rounds):
            for node, values in zip(nodes, found, strict=True):
                values.append(await _p99(node, plan.round_seconds))
        rate = f"{APPENDS_PER_SECOND:,} appends/s"
        return [
            compared(f"append p99 at {rate}, no tree once more", "ms", found[1], BARE, found[0]),
            compared(
                f"append p99 at {rate}, with tree and checkpoints", "ms", found[2], BARE, found[0]
            ),
        ]


async def _p99(node: LogNode, seconds: float) -> float:
    load = TimedLoad(node)
    await load.run(seconds)
    await node.settle()
    return 1e3 * percentile(sorted(load.seconds), 0.99)


async def _sign(node: LogNode) -> asyncio.Task[None]:
    pool = node.database.direct
    notary = Notary(pool, await open_signer(pool, Ed25519PrivateKey.generate()))
    checkpoints = Checkpoints(
        pool,
        notary,
        node.signal,
        after_events=AFTER_EVENTS,
        after_seconds=AFTER_SECONDS,
        hook=None,
    )
    return asyncio.create_task(checkpoints.run())
