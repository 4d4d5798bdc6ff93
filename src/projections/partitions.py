"""A building's partitions: which streams each of them holds, and how far it is.

They stand in the generation's own schema, so that whoever goes on with a building that broke off
finds what is done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import asyncpg
from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, Table, false

from events.store import MAX_VERSION
from events.stored import StoredEvent
from projections import statements
from projections.decoding import FOLDED_CATEGORIES
from projections.errors import GenerationGone
from projections.generations import Generation, schema_of
from projections.tables import SCHEMA, identifier

#: Of a partition, about: a second's work of one process.
PARTITION_EVENTS = 25_000
PAGE_STREAMS = 5_000

TABLE = Table(
    "partitions",
    MetaData(schema=SCHEMA),
    Column("number", Integer, primary_key=True, autoincrement=False),
    #: The stream ids are greater than the one and not greater than the other.
    identifier("after_id"),
    identifier("up_to_id"),
    #: How far the log is applied: what is newer comes later, in the log's own order.
    Column("up_to_position", BigInteger, nullable=False),
    #: How many there were to come when the building began, about.
    Column("events", BigInteger, nullable=False),
    Column("applied", BigInteger, nullable=False),
    identifier("at_id"),
    Column("at_version", BigInteger, nullable=False),
    Column("is_done", Boolean, nullable=False, server_default=false()),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    generation: int
    number: int
    up_to_id: str
    up_to_position: int
    events: int
    applied: int
    #: The last event that was applied.
    at_id: str
    at_version: int

    def after(self, last: StoredEvent, count: int) -> Partition:
        return replace(
            self,
            at_id=last.stream_id,
            at_version=last.stream_version,
            applied=self.applied + count,
        )


@dataclass(frozen=True, slots=True)
class Range:
    """Streams of one category with about so many events."""

    after_id: str
    up_to_id: str
    events: int


def bounds_of(category: str) -> tuple[str, str]:
    """Every stream id of a category lies between them."""
    return f"{category}-", f"{category}{chr(ord('-') + 1)}"


async def plan(pool: asyncpg.Pool, generation: Generation, up_to_position: int) -> None:
    """Divide the log among partitions, where that has not been done."""
    numbered = [
        (n, r.after_id, r.up_to_id, up_to_position, r.events, 0, r.after_id, MAX_VERSION)
        for n, r in enumerate(await ranges(pool), start=1)
    ]
    columns = [list(column) for column in zip(*numbered, strict=True)]
    async with pool.acquire() as connection, connection.transaction():
        for statement in statements.create_table(TABLE, generation.schema, is_new=False):
            await connection.execute(statement)
        statement = statements.insert_partitions(TABLE, generation.schema)
        await connection.execute(statement, *columns)


async def ranges(pool: asyncpg.Pool) -> list[Range]:
    """All that is folded, in parts of about the same size."""
    return [r for category in sorted(FOLDED_CATEGORIES) for r in await _ranges_of(pool, category)]


async def unfinished(pool: asyncpg.Pool, generation: Generation) -> list[Partition]:
    rows = await pool.fetch(statements.unfinished_partitions(TABLE, generation.schema))
    return [Partition(generation=generation.number, **row) for row in rows]


@dataclass(frozen=True, slots=True)
class Filled:
    #: How many events are done, and of how many.
    applied: int
    events: int
    #: Where the generation stands once all of them are.
    up_to_position: int


async def progress(pool: asyncpg.Pool, generation: Generation) -> Filled:
    try:
        row = await pool.fetchrow(statements.partition_progress(TABLE, generation.schema))
    except asyncpg.UndefinedTableError:  # not planned yet, or dropped
        return Filled(0, 0, 0)
    return Filled(*(int(value or 0) for value in row))


async def claim(connection: asyncpg.Connection, partition: Partition, moved: Partition) -> None:
    """Move a partition on, if nobody else did, until the end of the transaction.

    Raises GenerationGone.
    """
    statement = statements.advance_partition(TABLE, schema_of(partition.generation))
    places = (partition.number, partition.at_id, partition.at_version)
    # What a crash of the database itself takes back, it takes back with the checkpoint.
    await connection.execute("SET LOCAL synchronous_commit = off")
    try:
        found = await connection.fetchval(
            statement, moved.applied, moved.at_id, moved.at_version, *places
        )
    except asyncpg.UndefinedTableError:
        found = None
    if found is None:
        raise GenerationGone(partition.generation)


async def finish(pool: asyncpg.Pool, partition: Partition) -> None:
    statement = statements.finish_partition(TABLE, schema_of(partition.generation))
    await pool.execute(statement, partition.number)


async def _ranges_of(pool: asyncpg.Pool, category: str) -> list[Range]:
    """The last one reaches to the end: no stream can stand outside."""
    position, end_id = bounds_of(category)
    found: list[Range] = []
    after_id, events = position, 0
    # Page by page, because no snapshot may be held for long.
    while page := await pool.fetch(statements.load("stream_sizes"), position, end_id, PAGE_STREAMS):
        for stream_id, version in page:
            events += version
            if events >= PARTITION_EVENTS:
                found.append(Range(after_id, stream_id, events))
                after_id, events = stream_id, 0
        position = page[-1]["stream_id"]
    return [*found, Range(after_id, end_id, events)]
