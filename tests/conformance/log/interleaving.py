"""Plays a schedule on a log, step by step, with a reader that looks between the steps."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import asyncpg

from tests.conformance.log.history import AppendRecord, History, TransactionRecord
from tests.conformance.log.laws import Violation, check
from tests.conformance.log.protocol import Log, LogFactory, Transaction
from tests.conformance.log.reading import read_on, read_to_the_end
from tests.conformance.log.schedules import Look, Plan, Schedule

SCHEDULE_SECONDS = 20.0
#: Between two looks at whether a step that has not returned waits for a lock.
GLANCE_SECONDS = 0.0015
#: After which a step that waits for anything but a lock is passed over for now.
PATIENCE_SECONDS = 1.0
READER = "the reader"

WAITING = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@dataclass(frozen=True)
class Stage:
    """A log, and a connection that sees who waits on its database."""

    log: Log
    watch: asyncpg.Connection
    is_gapless: bool


@asynccontextmanager
async def open_stage(factory: LogFactory, database_url: str) -> AsyncIterator[Stage]:
    watch = await asyncpg.connect(database_url)
    log = await factory.open(database_url)
    try:
        yield Stage(log, watch, factory.is_gapless)
    finally:
        await log.close()
        await watch.close()


async def first_violation(
    stage: Stage, schedules: Iterable[Schedule]
) -> tuple[Schedule, list[Violation]] | None:
    for schedule in schedules:
        if violations := await play(stage, schedule):
            return schedule, violations
    return None


async def play(stage: Stage, schedule: Schedule) -> list[Violation]:
    """On streams of its own, beginning at wherever the log's head is."""
    await stage.log.seal_or_noop()
    history = History(await stage.log.head())
    history.reader(READER)
    play = _Play(stage, history, schedule)
    try:
        async with asyncio.timeout(SCHEDULE_SECONDS):
            for actor, look in zip(schedule.order, schedule.looks, strict=True):
                await play.advance(actor)
                await play.look(look)
            await play.finish()
    finally:
        await play.close()
    final = await read_to_the_end(stage.log, history)
    return check(history, final, is_gapless=stage.is_gapless)


@dataclass
class _Actor:
    """A transaction on its way through its steps; behind when a step waits for another's."""

    steps: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    due: int = 0
    done: int = 0
    doing: asyncio.Task[None] | None = None
    transaction: Transaction | None = None


class _Play:
    def __init__(self, stage: Stage, history: History, schedule: Schedule) -> None:
        self._stage = stage
        self._history = history
        self._page_events = schedule.page_events
        name = uuid.uuid4().hex
        self._actors = [self._cast(plan, name) for plan in schedule.plans]

    async def advance(self, n: int) -> None:
        self._actors[n].due += 1
        await self._settle()

    async def finish(self) -> None:
        while any(actor.done < len(actor.steps) for actor in self._actors):
            await self._settle()

    async def look(self, look: Look) -> None:
        if look in (Look.SEAL, Look.SEAL_AND_READ):
            await self._stage.log.seal_or_noop()
        if look in (Look.READ, Look.SEAL_AND_READ):
            await read_on(self._stage.log, self._history, READER, self._page_events)

    async def close(self) -> None:
        """After a failure: what still runs is ended, what is open is rolled back."""
        for actor in self._actors:
            if actor.doing is not None:
                actor.doing.cancel()
                await asyncio.gather(actor.doing, return_exceptions=True)
            if actor.transaction is not None:
                with contextlib.suppress(Exception):
                    await actor.transaction.rollback()

    async def _settle(self) -> None:
        """Takes every step that is due and does not wait for another transaction."""
        is_moving = True
        while is_moving:
            is_moving = False
            for actor in self._actors:
                while actor.done < actor.due and await self._try_step(actor):
                    is_moving = True

    async def _try_step(self, actor: _Actor) -> bool:
        if actor.doing is None:
            actor.doing = asyncio.ensure_future(_awaited(actor.steps[actor.done]))
        if not await self._has_ended(actor.doing):
            return False
        await actor.doing
        actor.doing = None
        actor.done += 1
        return True

    async def _has_ended(self, step: asyncio.Task[None]) -> bool:
        """False once it waits for a lock that somebody holds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            await asyncio.wait({step}, timeout=GLANCE_SECONDS)
            if step.done():
                return True
            if await self._stage.watch.fetchval(WAITING) >= self._n_running():
                return False
        return False

    def _n_running(self) -> int:
        return sum(actor.doing is not None and not actor.doing.done() for actor in self._actors)

    def _cast(self, plan: Plan, name: str) -> _Actor:
        actor = _Actor()
        record = self._history.transaction()
        actor.steps.append(partial(self._begin, actor))
        for stream, n_events in plan.appends:
            steps = _AppendSteps(actor, record, self._history, f"kit-{name}-{stream}", n_events)
            actor.steps += steps.apart if plan.is_reserved_apart else [steps.both]
        actor.steps.append(
            partial(_roll_back, actor)
            if plan.is_rolled_back
            else partial(_commit, actor, record, self._history)
        )
        return actor

    async def _begin(self, actor: _Actor) -> None:
        actor.transaction = await self._stage.log.begin()


class _AppendSteps:
    def __init__(
        self,
        actor: _Actor,
        record: TransactionRecord,
        history: History,
        stream: str,
        n_events: int,
    ) -> None:
        self._actor = actor
        self._record = record
        self._history = history
        self._stream = stream
        self._n_events = n_events
        self._began_at = 0
        self.apart = [self._reserve, self._append]

    async def both(self) -> None:
        await self._reserve()
        await self._append()

    async def _reserve(self) -> None:
        assert self._actor.transaction is not None
        self._began_at = self._history.tick()
        await self._actor.transaction.reserve(self._stream, self._n_events)

    async def _append(self) -> None:
        assert self._actor.transaction is not None
        first = await self._actor.transaction.append(self._stream, self._n_events)
        self._record.appends.append(
            AppendRecord(self._stream, first, self._n_events, self._began_at)
        )


async def _commit(actor: _Actor, record: TransactionRecord, history: History) -> None:
    assert actor.transaction is not None
    record.commit_began_at = history.tick()
    await actor.transaction.commit()
    record.committed_at = history.tick()
    actor.transaction = None


async def _roll_back(actor: _Actor) -> None:
    assert actor.transaction is not None
    await actor.transaction.rollback()
    actor.transaction = None


async def _awaited(step: Callable[[], Awaitable[None]]) -> None:
    await step()
