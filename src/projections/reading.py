"""Runs a query on the live generation, after the owner's own writes have reached it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sqlalchemy import Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncEngine

from events.signal import LogSignal
from projections.errors import NoLiveGeneration, ReadModelBehind
from projections.generations import LIVE, schema_of
from projections.log_tables import GENERATIONS
from projections.tables import SCHEMA

#: How long a reader waits for its own writes.
PATIENCE_SECONDS = 2.0
#: How often a reader looks whether another node has projected them: first, and at most.
POLL_SECONDS = 0.02
POLL_LIMIT_SECONDS = 0.1
#: How long a swap may go unnoticed.
LOOK_UP_SECONDS = 1.0

T = TypeVar("T")


class Retry(Protocol):
    async def __call__(self, read: Callable[[], Awaitable[T]]) -> T:
        """What the read answers, asked again when its connection was lost on the way."""
        ...


async def once(read: Callable[[], Awaitable[T]]) -> T:
    return await read()


@dataclass(frozen=True, slots=True)
class Reading:
    """The records of a statement of projections.selects, one at least."""

    records: Sequence[Mapping[str, Any]]

    @property
    def position(self) -> int:
        return int(self.records[0]["read_at"])

    @property
    def is_behind(self) -> bool:
        return bool(self.records[0]["is_behind"])

    @property
    def branch_id(self) -> str | None:
        """Of a page of one conversation: the branch it is of, None when there is no such branch."""
        found: str | None = self.records[0].get("of_branch_id")
        return found

    @property
    def is_stale(self) -> bool:
        """Of a page of one conversation: whether that is parked."""
        return bool(self.records[0]["is_conversation_stale"])


class Reader:
    """`progress` is the projector's; `on_behind` wakes sealer and projector; `on_read` hears of
    every statement."""

    def __init__(
        self,
        engine: AsyncEngine,
        wanted: str,
        *,
        progress: LogSignal,
        on_behind: Callable[[], None],
        on_read: Callable[[], None] = lambda: None,
        retried: Retry = once,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        # One statement needs no transaction, and its BEGIN and ROLLBACK would be two round trips.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._wanted = wanted
        self._progress = progress
        self._on_behind = on_behind
        self._on_read = on_read
        self._retried = retried
        self._patience_seconds = patience_seconds
        self._live: int | None = None
        self._looked_up_at = float("-inf")

    async def read(self, statement: Select[Any], parameters: Mapping[str, Any]) -> Reading:
        """Raises ReadModelBehind when the owner's writes do not arrive in time."""
        started = time.monotonic()
        pause = POLL_SECONDS
        while True:
            head = self._progress.head
            reading = await self.read_once(statement, parameters)
            if not reading.is_behind:
                return reading
            waited = time.monotonic() - started
            if waited >= self._patience_seconds:
                raise ReadModelBehind(self._patience_seconds)
            self._on_behind()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(pause, self._patience_seconds - waited)):
                    await self._progress.wait_beyond(max(head, reading.position))
            pause = min(pause * 2, POLL_LIMIT_SECONDS)

    async def fetch(
        self, statement: Select[Any], parameters: Mapping[str, Any], schema: str | None = None
    ) -> Sequence[Mapping[str, Any]]:
        self._on_read()
        return await self._retried(lambda: self._fetch_once(statement, parameters, schema))

    async def _fetch_once(
        self, statement: Select[Any], parameters: Mapping[str, Any], schema: str | None
    ) -> Sequence[Mapping[str, Any]]:
        async with self._engine.connect() as connection:
            result = await connection.execute(
                statement,
                parameters,
                execution_options={"schema_translate_map": {SCHEMA: schema}} if schema else {},
            )
            return [dict(record._mapping) for record in result]

    async def read_once(self, statement: Select[Any], parameters: Mapping[str, Any]) -> Reading:
        """As the read tables are now, whatever is missing."""
        while True:
            live = await self._look_up()
            records = await self.fetch(
                statement, {**parameters, "generation": live}, schema_of(live)
            )
            if records:
                return Reading(records)
            self._live = None  # it was dropped since we looked

    async def _look_up(self) -> int:
        if self._live is None or time.monotonic() - self._looked_up_at >= LOOK_UP_SECONDS:
            looked_up_at = time.monotonic()
            found = await self.fetch(_LIVE_GENERATION, {"definition": self._wanted})
            if not found:
                raise NoLiveGeneration(self._wanted)
            self._live, self._looked_up_at = found[0]["generation"], looked_up_at
        return self._live


_LIVE_GENERATION = select(GENERATIONS.c.generation).where(
    GENERATIONS.c.definition == bindparam("definition"), GENERATIONS.c.state == LIVE
)
