"""A node that reads: log, projector and queries on one database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from events.event import Event
from events.signal import LogSignal
from events.stored import Append
from projections.building import Builder
from projections.fold import MODELS
from projections.generations import Generation
from projections.log_tables import NO_KEY
from projections.projector import Projector
from projections.read_models import ReadModels
from projections.row_store import to_row
from projections.rows import Key, ReadRow
from tests.log_node import LogNode, log_node
from tests.unit.projections.histories import Step

DEADLINE_SECONDS = 15.0


@dataclass
class ReadNode:
    log: LogNode
    engine: AsyncEngine
    projector: Projector
    reads: ReadModels
    #: What the queries sent to the database.
    statements: list[str] = field(default_factory=list)

    @property
    def pool(self) -> asyncpg.Pool:
        return self.log.pool

    @property
    def builder(self) -> Builder:
        return Builder(self.log.pool, self.log.store)

    async def append(
        self, stream_id: str, version: int, *events: Event, owner_id: str = "ada", actor: str = ""
    ) -> int:
        """The stream's version afterwards."""
        appended = await self.log.store.append(
            Append(
                stream_id=stream_id,
                expected_version=version,
                owner_id=owner_id,
                events=events,
                actor=actor or f"user:{owner_id}",
            )
        )
        return appended.last_version

    async def append_all(self, steps: Iterable[Step]) -> None:
        versions: dict[str, int] = {}
        for (stream_id, owner_id, actor), same in groupby(steps, key=_stream_and_author):
            events = [step.event for step in same]
            before = versions.get(stream_id, 0)
            versions[stream_id] = await self.append(
                stream_id, before, *events, owner_id=owner_id, actor=actor
            )

    async def seal(self) -> int:
        return await self.log.sealer.seal()

    async def position_of(self, generation: int) -> int:
        query = "SELECT position FROM verbatim.generations WHERE generation = $1"
        position: int = await self.pool.fetchval(query, generation)
        return position

    async def all_rows(self, generation: Generation) -> dict[Key, ReadRow]:
        return await all_rows(self.log, generation)


@asynccontextmanager
async def read_node(
    url: str, *, is_projecting: bool = True, **reading: Any
) -> AsyncIterator[ReadNode]:
    """Builds the live generation where there is none."""
    async with log_node(url) as log:
        await Builder(log.pool, log.store).ensure_live()
        progress = LogSignal()
        projector = Projector(log.pool, log.store, log.signal, progress=progress)

        def on_behind() -> None:
            log.sealer.wake()
            projector.wake()

        engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
        reads = ReadModels(engine, log.keys, progress=progress, on_behind=on_behind, **reading)
        node = ReadNode(log, engine, projector, reads)
        event.listen(engine.sync_engine, "before_cursor_execute", _recorder(node.statements))
        try:
            async with projecting(*([projector] if is_projecting else [])):
                yield node
        finally:
            await engine.dispose()


@asynccontextmanager
async def projecting(*projectors: Projector) -> AsyncIterator[None]:
    running = [asyncio.create_task(projector.run()) for projector in projectors]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def all_rows(log: LogNode, generation: Generation) -> dict[Key, ReadRow]:
    """Every row of a generation, decrypted."""
    found: dict[Key, ReadRow] = {}
    for model in MODELS:
        records = await log.pool.fetch(f"SELECT * FROM {generation.schema}.{model.name}")
        data_keys = await log.keys.load({record["key_id"] or NO_KEY for record in records})
        for record in records:
            row = to_row(model, record, data_keys)
            assert row is not None
            found[model.key_of(row)] = row
    return found


async def eventually(is_so: Callable[[], Any]) -> None:
    """Until a condition (or an awaitable one) holds; fails after DEADLINE_SECONDS."""
    until = time.monotonic() + DEADLINE_SECONDS
    while True:
        outcome = is_so()
        if await outcome if asyncio.iscoroutine(outcome) else outcome:
            return
        assert time.monotonic() < until, "it did not happen in time"
        await asyncio.sleep(0.01)


def _recorder(statements: list[str]) -> Callable[..., None]:
    def record(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    return record


def _stream_and_author(step: Step) -> tuple[str, str, str]:
    return step.stream_id, step.owner_id, step.actor
