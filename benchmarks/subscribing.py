"""How fast a subscription catches up: read, decrypted and decoded, in one process."""

from __future__ import annotations

import time

from benchmarks.measures import Goal, Measure, compared
from benchmarks.node import LogNode, append_of, log_node
from benchmarks.plan import Plan
from benchmarks.server import database
from events import statements
from events.conversation import stream_of
from events.ids import new_id
from events.store import MAX_VERSION, PAGE_EVENTS
from events.stored import Append
from events.subscription import subscribe
from runtime.embedded import EmbeddedServer

STREAMS = 100
EVENTS_A_STREAM = 500


async def measure(server: EmbeddedServer, plan: Plan) -> list[Measure]:
    decoded: list[float] = []
    fetched: list[float] = []
    async with database(server, "subscribed") as url, log_node(url) as node:
        await _seed(node)
        for _ in range(plan.rounds):
            fetched.append(await _fetch(node))
            decoded.append(await _follow(node))
    return [
        compared(
            "subscription: events read, decrypted and decoded",
            "/s",
            decoded,
            "a bare asyncpg fetch of the same rows",
            fetched,
            Goal(0.25, 0.15),
        )
    ]


async def _seed(node: LogNode) -> None:
    for _ in range(STREAMS):
        one = append_of(stream_of(str(new_id())), 0)
        await node.store.append(
            Append(
                stream_id=one.stream_id,
                expected_version=0,
                owner_id=one.owner_id,
                events=tuple(one.events) * EVENTS_A_STREAM,
                actor=one.actor,
            )
        )
    await node.settle()
    await node.database.direct.execute("VACUUM ANALYZE verbatim.events, verbatim.log")


async def _fetch(node: LogNode) -> float:
    started, position = time.perf_counter(), 0
    statement = statements.load("read_log")
    async with node.database.direct.acquire() as connection:
        while rows := await connection.fetch(statement, position, MAX_VERSION, PAGE_EVENTS, None):
            position = rows[-1]["position"]
    return position / (time.perf_counter() - started)


async def _follow(node: LogNode) -> float:
    started, seen = time.perf_counter(), 0
    async for batch in subscribe(node.store, node.signal, 0):
        seen += len(await node.store.decode(batch))
        if seen >= STREAMS * EVENTS_A_STREAM:
            break
    return seen / (time.perf_counter() - started)
