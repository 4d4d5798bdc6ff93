"""A conversation as an agent uses it: add a message and its reply, read the last 15 items."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncpg
from agents.extensions.memory import SQLAlchemySession
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from benchmarks.measures import Goal, Measure, compared, percentile
from benchmarks.node import LogNode, log_node
from benchmarks.plan import Plan
from benchmarks.server import database
from events.conversation import AssistantMessagePosted, UserMessagePosted, stream_of
from events.event import Event
from events.ids import new_id
from events.stored import Append
from runtime.embedded import EmbeddedServer

CALLERS = 32
LAST_ITEMS = 15
SEEDED_AT_ONCE = 1_000
#: Lengths of the streams whose ends are read.
SHORT_EVENTS = 10
LONG_EVENTS = 100_000
READS_A_ROUND = 300
QUESTION = "What did we decide about the harvest? " * 6
ANSWER = "We decided to begin with the lower field, because it dries first. " * 6

SEED_SESSIONS = "INSERT INTO agent_sessions (session_id) SELECT unnest($1::text[])"
SEED_ITEMS = """
INSERT INTO agent_messages (session_id, message_data)
SELECT session_id, ($2::text[])[1 + n % 2]
FROM generate_series(1, $3::int) AS n, unnest($1::text[]) AS session_id
"""


@dataclass
class Conversation:
    stream_id: str
    version: int = 0


async def measure(server: EmbeddedServer, plan: Plan) -> list[Measure]:
    async with (
        database(server, "sessions") as session_url,
        database(server, "conversations") as our_url,
        log_node(our_url) as node,
    ):
        engine = create_async_engine(
            session_url.replace("postgresql://", "postgresql+asyncpg://"),
            pool_size=CALLERS,
            max_overflow=0,
        )
        try:
            found = await _compare(engine, session_url, node, plan)
        finally:
            await engine.dispose()
        return [*found, await _read_lengths(node, plan)]


async def _compare(engine: AsyncEngine, url: str, node: LogNode, plan: Plan) -> list[Measure]:
    sessions = await _seed_sessions(engine, url, plan.long_events)
    ours = [await _seed(node, plan.long_events) for _ in range(CALLERS)]
    await node.settle()
    rates: dict[str, list[float]] = {"add": [], "their add": [], "read": [], "their read": []}
    for _ in range(plan.rounds):
        for name, work in (
            ("their add", [_adding(session) for session in sessions]),
            ("add", [_appending(node, conversation) for conversation in ours]),
            ("their read", [_reading(session) for session in sessions]),
            ("read", [_reading_back(node, conversation) for conversation in ours]),
        ):
            rates[name].append(await _repeat(work, plan.round_seconds))
            await node.settle()
    names = (("add", "add a message and its reply"), ("read", "read the last 15 items"))
    return [
        compared(
            f"{what}, conversations of {plan.long_events:,}, 32 at once",
            "/s",
            rates[name],
            "agents' SQLAlchemySession",
            rates[f"their {name}"],
            Goal(8.0, 5.0),
        )
        for name, what in names
    ]


async def _read_lengths(node: LogNode, plan: Plan) -> Measure:
    short = await _seed(node, SHORT_EVENTS)
    long = await _seed(node, LONG_EVENTS)
    await node.settle()
    taken: dict[int, list[float]] = {SHORT_EVENTS: [], LONG_EVENTS: []}
    for _ in range(plan.rounds):
        for length, conversation in ((LONG_EVENTS, long), (SHORT_EVENTS, short)):
            taken[length].append(1e3 * await _median_seconds(node, conversation))
    return compared(
        f"reading the last {LAST_ITEMS} items of {LONG_EVENTS:,} events",
        "ms",
        taken[LONG_EVENTS],
        f"the same of a stream of {SHORT_EVENTS} events",
        taken[SHORT_EVENTS],
        Goal(1.2, 1.5, is_upper=True),
    )


async def _median_seconds(node: LogNode, conversation: Conversation) -> float:
    # As many rows from both, or the shorter stream would win by being shorter.
    limit = min(LAST_ITEMS, SHORT_EVENTS)
    taken = []
    for _ in range(READS_A_ROUND):
        began = time.perf_counter()
        await node.store.read_stream_backwards(conversation.stream_id, limit)
        taken.append(time.perf_counter() - began)
    return percentile(sorted(taken), 0.5)


async def _repeat(work: Sequence[Callable[[], Awaitable[object]]], seconds: float) -> float:
    started = time.perf_counter()
    done = 0

    async def repeat(once: Callable[[], Awaitable[object]]) -> None:
        nonlocal done
        while time.perf_counter() < started + seconds:
            await once()
            done += 1

    await asyncio.gather(*map(repeat, work))
    return done / (time.perf_counter() - started)


def _adding(session: SQLAlchemySession) -> Callable[[], Awaitable[object]]:
    return lambda: session.add_items(
        [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": ANSWER}]
    )


def _reading(session: SQLAlchemySession) -> Callable[[], Awaitable[object]]:
    return lambda: session.get_items(LAST_ITEMS)


def _appending(node: LogNode, conversation: Conversation) -> Callable[[], Awaitable[object]]:
    async def append() -> None:
        await _append(node, conversation, _exchange())

    return append


def _reading_back(node: LogNode, conversation: Conversation) -> Callable[[], Awaitable[object]]:
    return lambda: node.store.read_stream_backwards(conversation.stream_id, LAST_ITEMS)


def _exchange() -> list[Event]:
    run_id = str(new_id())
    return [
        UserMessagePosted(message_id=str(new_id()), text=QUESTION),
        AssistantMessagePosted(run_id=run_id, message_id=str(new_id()), text=ANSWER),
    ]


async def _append(node: LogNode, conversation: Conversation, events: Sequence[Event]) -> None:
    appended = await node.store.append(
        Append(
            stream_id=conversation.stream_id,
            expected_version=conversation.version,
            owner_id="ada",
            events=events,
            actor="user:ada",
        )
    )
    conversation.version = appended.last_version


async def _seed(node: LogNode, events: int) -> Conversation:
    conversation = Conversation(stream_of(str(new_id())))
    pattern = _exchange()
    while (left := events - conversation.version) > 0:
        chunk = min(left, SEEDED_AT_ONCE)
        await _append(node, conversation, (pattern * (chunk // 2 + 1))[:chunk])
    return conversation


async def _seed_sessions(engine: AsyncEngine, url: str, items: int) -> list[SQLAlchemySession]:
    await SQLAlchemySession("first", engine=engine, create_tables=True).get_items(1)
    names = [f"session-{n}" for n in range(CALLERS)]
    messages = [
        json.dumps({"role": role, "content": content})
        for role, content in (("assistant", ANSWER), ("user", QUESTION))
    ]
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(SEED_SESSIONS, names)
        await connection.execute(SEED_ITEMS, names, messages, items)
        await connection.execute("ANALYZE agent_messages")
    finally:
        await connection.close()
    return [SQLAlchemySession(name, engine=engine) for name in names]
