"""A page of history and a list of conversations, out of a million messages and out of few."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from benchmarks.long_log import Size, write_log
from benchmarks.measures import Goal, Measure, compared, percentile
from benchmarks.node import LogNode, log_node
from benchmarks.plan import Plan
from benchmarks.server import database
from events.conversation import id_of
from events.signal import LogSignal
from projections.building import Builder
from projections.read_models import ReadModels
from runtime.embedded import EmbeddedServer

#: How many times as many messages the large one has.
TIMES = 100
PAGE_ROWS = 20
ROUNDS = 5

Read = Callable[[], Awaitable[object]]


async def measure(server: EmbeddedServer, plan: Plan) -> list[Measure]:
    many = Size(plan.log_conversations, plan.log_events, is_of_messages=True)
    few = Size(max(1, many.conversations // TIMES), many.events // TIMES, is_of_messages=True)
    async with _reads(server, "many", many) as large, _reads(server, "few", few) as small:
        return [
            await _compared(name, large[name], small[name], plan.reads // ROUNDS, many, few)
            for name in large
        ]


@asynccontextmanager
async def _reads(server: EmbeddedServer, name: str, size: Size) -> AsyncIterator[dict[str, Read]]:
    async with database(server, f"{name}_messages") as url, log_node(url) as node:
        await write_log(node.database.direct, node.keys, size)
        await Builder(node.database.direct, node.store).ensure_live()
        engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
        try:
            yield await _queries(node, engine)
        finally:
            await engine.dispose()


async def _queries(node: LogNode, engine: AsyncEngine) -> dict[str, Read]:
    reads = ReadModels(engine, node.keys, progress=LogSignal())
    rows = await node.database.direct.fetch(
        "SELECT owner_id, stream_id FROM verbatim.heads WHERE stream_id LIKE 'conversation-%'"
    )
    places = [(row["owner_id"], id_of(row["stream_id"])) for row in rows]
    chance = random.Random(3)  # noqa: S311

    async def history() -> object:
        owner_id, conversation_id = chance.choice(places)
        return await reads.messages_page(owner_id, conversation_id, limit=PAGE_ROWS, order="desc")

    async def conversations() -> object:
        owner_id, _ = chance.choice(places)
        return await reads.conversations_page(owner_id, limit=PAGE_ROWS)

    return {"page of history": history, "list of conversations": conversations}


async def _compared(
    name: str, large: Read, small: Read, count: int, many: Size, few: Size
) -> Measure:
    slow: list[float] = []
    fast: list[float] = []
    for _ in range(ROUNDS):
        slow.append(await _p95_milliseconds(large, count))
        fast.append(await _p95_milliseconds(small, count))
    return compared(
        f"{name}, p95, among {many.events:,} messages",
        "ms",
        slow,
        f"among {few.events:,}",
        fast,
        Goal(1.5, 2.0, is_upper=True),
    )


async def _p95_milliseconds(read: Read, count: int) -> float:
    taken: list[float] = []
    for _ in range(count):
        started = time.perf_counter()
        await read()
        taken.append((time.perf_counter() - started) * 1000)
    return percentile(sorted(taken), 0.95)
