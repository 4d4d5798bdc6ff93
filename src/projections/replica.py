"""Reads from a server that follows the primary, once it has what the client must see."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import structlog
from sqlalchemy import BigInteger, Select, Text, bindparam, exists, func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from projections.branch_selects import OWNER
from projections.errors import NoLiveGeneration
from projections.log_tables import HEADS, LOG
from projections.reading import Reader, Reading

log = structlog.get_logger()

#: How long a reader waits for the replica; then the primary answers.
PATIENCE_SECONDS = 1.0
POLL_SECONDS = 0.01
POLL_LIMIT_SECONDS = 0.1
#: For how long a replica that failed, or is far behind, is left alone.
AWAY_SECONDS = 5.0

Outcome = Literal["answered", "behind", "away"]

_STREAM = bindparam("required_stream", type_=Text(), required=True)
_VERSION = bindparam("required_version", type_=BigInteger(), required=True)
_HEAD = bindparam("required_head", type_=BigInteger(), required=True)


@dataclass(frozen=True, slots=True)
class Position:
    """The newest event that a client has written, as it says itself."""

    stream_id: str
    version: int


class Replica:
    """`head` is the newest position of the log that this node has heard of, whoever wrote it."""

    def __init__(
        self,
        reader: Reader,
        *,
        head: Callable[[], int],
        on_behind: Callable[[], None] = lambda: None,
        on_outcome: Callable[[Outcome], None] = lambda outcome: None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._reader = reader
        self._head = head
        self._on_behind = on_behind
        self._on_outcome = on_outcome
        self._patience_seconds = patience_seconds
        self._away_until = float("-inf")

    @property
    def is_away(self) -> bool:
        """It failed or was far behind a moment ago: the primary answers."""
        return time.monotonic() < self._away_until

    async def read(
        self, statement: Select[Any], parameters: Mapping[str, Any], seen: Position
    ) -> Reading | None:
        """None where the primary has to answer."""
        if self.is_away:
            return None
        required = {
            "required_stream": seen.stream_id,
            "required_version": seen.version,
            "required_head": self._head(),
        }
        attempt = _Attempt()
        outcome: Outcome = "answered"
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self._try(attempt, _with_lacks(statement), {**parameters, **required})
        except TimeoutError:
            outcome = "behind" if attempt.is_near else "away"
        except (SQLAlchemyError, OSError, NoLiveGeneration) as error:
            log.warning("replica_away", error=type(error).__name__)
            outcome = "away"
        if outcome == "away":
            self._away_until = time.monotonic() + AWAY_SECONDS
        self._on_outcome(outcome)
        return attempt.reading

    async def _try(
        self, attempt: _Attempt, statement: Select[Any], parameters: Mapping[str, Any]
    ) -> None:
        pause = POLL_SECONDS
        while True:
            reading = await self._reader.read_once(statement, parameters)
            first = reading.records[0]
            if not (first["lacks_stream"] or first["lacks_log"] or reading.is_behind):
                attempt.reading = reading
                return
            # What a client claims to have seen makes nobody else wait for the primary.
            attempt.is_near = not first["lacks_log"]
            self._on_behind()
            await asyncio.sleep(pause)
            pause = min(pause * 2, POLL_LIMIT_SECONDS)


class ReplicaFirst:
    """A reader for one client, which knows what that has seen."""

    def __init__(self, primary: Reader, replica: Replica, seen: Position) -> None:
        self._primary = primary
        self._replica = replica
        self._seen = seen

    async def read(self, statement: Select[Any], parameters: Mapping[str, Any]) -> Reading:
        """Raises ReadModelBehind."""
        found = await self._replica.read(statement, parameters, self._seen)
        return found or await self._primary.read(statement, parameters)

    async def fetch(
        self, statement: Select[Any], parameters: Mapping[str, Any]
    ) -> Sequence[Mapping[str, Any]]:
        return await self._primary.fetch(statement, parameters)


@dataclass(slots=True)
class _Attempt:
    reading: Reading | None = None
    #: It answers, and has all that this node knows of.
    is_near: bool = False


@cache
def _with_lacks(statement: Select[Any]) -> Select[Any]:
    """The statement, and in its snapshot whether the required position is not there yet.

    Of another owner's stream nothing is asked, and so nothing told.
    """
    newest = select(func.coalesce(func.max(LOG.c.position), 0)).scalar_subquery()
    has_stream = exists().where(
        HEADS.c.stream_id == _STREAM, or_(HEADS.c.version >= _VERSION, HEADS.c.owner_id != OWNER)
    )
    return statement.add_columns(
        (~has_stream).label("lacks_stream"), (newest < _HEAD).label("lacks_log")
    )
