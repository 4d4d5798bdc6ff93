"""Appends as the append statement takes them, and that statement."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

import asyncpg

from events import statements
from events.stored import Companion


@dataclass(slots=True, eq=False)
class EncodedAppend:
    """One stream's rows, ready for the statement."""

    stream_id: str
    expected_version: int
    owner_id: str
    key_id: str | None
    idempotency_key: str | None
    request_hash: bytes | None
    event_ids: list[str]
    topics: list[str]
    schema_versions: list[int]
    states: list[bytes]
    metadata: list[str]
    companions: Sequence[Companion]


async def write_appends(
    connection: asyncpg.Connection, appends: Sequence[EncodedAppend]
) -> Collection[str]:
    """At most one append a stream. Answers the stream ids that lost."""
    columns = statement_columns(appends)
    losers = await connection.fetchval(statements.load("append_events"), *columns)
    return frozenset(losers) if losers else ()


async def write_companions(connection: asyncpg.Connection, appends: list[EncodedAppend]) -> None:
    companions = sorted(
        (c for append in appends for c in append.companions), key=attrgetter("statement", "lock")
    )
    for statement, group in groupby(companions, key=attrgetter("statement")):
        await connection.executemany(statement, [companion.values for companion in group])


async def has_committed(connection: asyncpg.Connection, append: EncodedAppend) -> bool:
    """Whether the append is stored, whoever's connection carried it."""
    found: bool = await connection.fetchval(
        statements.load("resolve_append"),
        append.stream_id,
        append.expected_version + 1,
        append.event_ids[0],
    )
    return found


def statement_columns(appends: Sequence[EncodedAppend]) -> tuple[list[Any] | None, ...]:
    """The parameters of append_events.sql."""
    idempotency_keys = [a.idempotency_key for a in appends]
    has_key = any(idempotency_keys)
    return (
        [a.stream_id for a in appends],
        [a.expected_version + 1 for a in appends],
        [a.owner_id for a in appends],
        [a.key_id for a in appends],
        idempotency_keys if has_key else None,
        [a.request_hash for a in appends] if has_key else None,
        *_places_of_events(appends),
        [event_id for a in appends for event_id in a.event_ids],
        [topic for a in appends for topic in a.topics],
        [version for a in appends for version in a.schema_versions],
        [state for a in appends for state in a.states],
        [metadata for a in appends for metadata in a.metadata],
    )


def _places_of_events(appends: Sequence[EncodedAppend]) -> tuple[list[Any] | None, ...]:
    """Nothing where each append has one event: the driver looks at every element of an array."""
    if all([len(a.event_ids) == 1 for a in appends]):
        return (None,) * 4
    return (
        [a.expected_version + len(a.event_ids) for a in appends],
        [a.stream_id for a in appends for _ in a.event_ids],
        [a.expected_version + n for a in appends for n in range(1, len(a.event_ids) + 1)],
        [a.owner_id for a in appends for _ in a.event_ids],
    )
