"""Where two generations differ, stream by stream, each stream at one position of the log.

A page of streams is read from both in one snapshot. A stream of which one generation has events
that the other has not yet is left out: whoever asks compares it later, when both have them.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from events.cipher import DataKey
from events.keys import KeyRing
from projections import statements
from projections.errors import GenerationGone, UnreadableRow
from projections.fold import BY_CATEGORY, stream_of
from projections.generations import Generation
from projections.log_tables import NO_KEY
from projections.partitions import PAGE_STREAMS, Range, bounds_of
from projections.row_store import to_row
from projections.rows import Key, ReadRow
from projections.tables import ReadModel

#: Of a page, about; a stream is never cut.
PAGE_EVENTS = 5_000
#: Greater than every id.
LAST_ID = "\U0010ffff"

Streams = Range | Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    stream_id: str
    #: missing | unexpected | changed | unreadable | parked | unfoldable
    kind: str
    #: Empty where it is about the stream as a whole.
    table: str = ""
    #: The values of the primary key.
    key: tuple[str, ...] = ()
    #: The fields that differ; content is never named.
    fields: tuple[str, ...] = ()
    #: Of the last event that made the row what it should be, where that is known.
    position: int | None = None

    @property
    def row_id(self) -> str:
        return self.key[-1] if self.key else ""


@dataclass(slots=True)
class Found:
    """The rows of some streams in one generation."""

    rows: dict[Key, ReadRow] = field(default_factory=dict)
    #: The stream of each row whose content does not decrypt or decode.
    unreadable: dict[Key, str] = field(default_factory=dict)


class Comparing:
    """Uses up to two of the pool's connections at once."""

    def __init__(self, pool: asyncpg.Pool, keys: KeyRing) -> None:
        self._pool = pool
        self._keys = keys

    async def compare(
        self, live: Generation, other: Generation, streams: Streams
    ) -> list[Difference]:
        """How the other generation differs from the live one."""
        found: list[Difference] = []
        async for page in pages_of(self._pool, streams):
            async with self._pool.acquire() as connection:
                found += await self._compare_page(connection, live, other, page)
        return found

    async def _compare_page(
        self, connection: asyncpg.Connection, live: Generation, other: Generation, page: Streams
    ) -> list[Difference]:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            left_out, parked = await _left_out(connection, live, other)
            expected = await rows_of(connection, self._keys, live, page)
            actual = await rows_of(connection, self._keys, other, page)
        differences = [d for d in differing(expected, actual) if d.stream_id not in left_out]
        return [*differences, *(d for d in parked if _is_of(d.stream_id, page))]


async def pages_of(pool: asyncpg.Pool, streams: Streams) -> AsyncIterator[Streams]:
    """Together they hold the same streams, and every id between the ends of a range."""
    if not isinstance(streams, Range):
        yield streams
        return
    after_id = streams.after_id
    while after_id < streams.up_to_id:
        sizes = await pool.fetch(
            statements.load("stream_sizes"), after_id, streams.up_to_id, PAGE_STREAMS
        )
        events, up_to_id = 0, streams.up_to_id
        for stream_id, version in sizes:
            events += version
            if events >= PAGE_EVENTS:
                up_to_id = stream_id
                break
        else:
            up_to_id = sizes[-1]["stream_id"] if len(sizes) == PAGE_STREAMS else up_to_id
        yield Range(after_id, up_to_id, events)
        after_id = up_to_id


async def rows_of(
    connection: asyncpg.Connection, keys: KeyRing, generation: Generation, streams: Streams
) -> Found:
    """Rows whose data key was destroyed are not there, as for every reader."""
    found = Found()
    for category, models in BY_CATEGORY.items():
        parameters = _ids_of(category, streams)
        for model in models if parameters else ():
            statement = _statement(model, streams, generation.schema)
            records = await connection.fetch(statement, *parameters)
            data_keys = await keys.load({record["key_id"] or NO_KEY for record in records})
            for record in records:
                _read(found, category, model, record, data_keys)
    return found


def differing(expected: Found, actual: Found) -> list[Difference]:
    """By stream, then by row."""
    found = [
        _difference(key, wanted, there)
        for key in expected.rows.keys() | actual.rows.keys()
        if (wanted := expected.rows.get(key)) != (there := actual.rows.get(key))
        and key not in actual.unreadable
        and key not in expected.unreadable
    ]
    found += [
        Difference(stream_id=stream_id, table=key[0], key=key[1:], kind="unreadable")
        for key, stream_id in {**expected.unreadable, **actual.unreadable}.items()
    ]
    return sorted(found, key=lambda d: (d.stream_id, d.table, d.row_id))


def _ids_of(category: str, streams: Streams) -> tuple[object, ...]:
    """Nothing when none of the streams is of the category."""
    begin, end = bounds_of(category)
    if not isinstance(streams, Range):
        ids = [s.removeprefix(begin) for s in streams if s.startswith(begin)]
        return (ids,) if ids else ()
    if streams.up_to_id <= begin or streams.after_id >= end:
        return ()
    up_to = LAST_ID if streams.up_to_id >= end else streams.up_to_id.removeprefix(begin)
    return (streams.after_id.removeprefix(begin), up_to)


def _statement(model: ReadModel, streams: Streams, schema: str) -> str:
    if isinstance(streams, Range):
        return statements.select_of_range(model.table, model.stream_column, schema)
    return statements.select_of_streams(model.table, model.stream_column, schema)


def _read(
    found: Found,
    category: str,
    model: ReadModel,
    record: Mapping[str, Any],
    data_keys: Mapping[uuid.UUID, DataKey],
) -> None:
    try:
        row = to_row(model, record, data_keys)
    except UnreadableRow:
        key = (model.name, *(record[name] for name in model.primary_key))
        found.unreadable[key] = f"{category}-{record[model.stream_column]}"
    else:
        if row is not None:
            found.rows[model.key_of(row)] = row


def _difference(key: Key, wanted: ReadRow | None, there: ReadRow | None) -> Difference:
    fields: tuple[str, ...] = ()
    if wanted and there:
        kind = "changed"
        names = wanted.__struct_fields__
        fields = tuple(n for n in names if getattr(wanted, n) != getattr(there, n))
    else:
        kind = "missing" if wanted else "unexpected"
    return Difference(
        stream_id=stream_of(key[0], wanted or there),
        table=key[0],
        key=key[1:],
        kind=kind,
        fields=fields,
    )


def _is_of(stream_id: str, page: Streams) -> bool:
    if isinstance(page, Range):
        return page.after_id < stream_id <= page.up_to_id
    return stream_id in page


async def _left_out(
    connection: asyncpg.Connection, live: Generation, other: Generation
) -> tuple[set[str], list[Difference]]:
    """The streams not to compare, and those that only the other generation could not apply."""
    numbers = [live.number, other.number]
    rows = await connection.fetch(statements.load("find_generations"), numbers)
    positions = {row["generation"]: row["position"] for row in rows}
    if len(positions) < len(set(numbers)):
        raise GenerationGone(other.number)
    ends = sorted(positions.values())
    moved = await connection.fetch(statements.load("moved_streams"), ends[0], ends[-1])
    parked = await connection.fetch(statements.load("parked_of_generations"), numbers)
    parked_live = {row["stream_id"] for row in parked if row["generation"] == live.number}
    worse = [
        Difference(
            stream_id=row["stream_id"],
            kind="parked",
            position=row["position"],
        )
        for row in parked
        if row["generation"] == other.number and row["stream_id"] not in parked_live
    ]
    left_out = {row["stream_id"] for row in (*moved, *parked)}
    return left_out, worse
