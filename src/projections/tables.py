"""What the read tables have in common, and what a read model is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any

from sqlalchemy import Column, DateTime, LargeBinary, MetaData, Table, Text, Uuid

from events.event import Event
from events.stored import RecordedEvent
from projections.rows import Key, ReadRow, Rows

#: Stands for the schema of a generation; schema_translate_map puts the real one in its place.
SCHEMA = "read"
#: Room in a page for the next version of a row, so that an update stays in it (HOT).
UPDATED = {"fillfactor": 70}

metadata = MetaData(schema=SCHEMA)


@dataclass(frozen=True)
class ReadModel:
    table: Table
    row: type[ReadRow]
    #: The fields of the row that stand encrypted in `sealed`; the others are columns.
    content: tuple[str, ...]
    #: The rows an event may read or change, from the event alone.
    keys: Callable[[RecordedEvent], Iterable[Key]]
    apply: Callable[[Rows, RecordedEvent], None]
    #: The only events that it looks at; none named: all of its category.
    events: tuple[type[Event], ...] = ()
    #: Whether the fold puts rows without looking at what was there, and deletes none by itself.
    is_write_only: bool = False

    @cached_property
    def name(self) -> str:
        return str(self.table.name)

    @cached_property
    def plain(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.table.c if c.name not in ("sealed", "key_id"))

    @cached_property
    def stream_column(self) -> str:
        """The column with the id of the row's conversation or task."""
        return "conversation_id" if "conversation_id" in self.table.c else "id"

    @cached_property
    def plain_of(self) -> Callable[[ReadRow], tuple[Any, ...]]:
        """The values of those columns."""
        return attrgetter(*self.plain)

    def key_of(self, row: ReadRow) -> Key:
        return (self.name, *[getattr(row, name) for name in self.primary_key])

    @cached_property
    def primary_key(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.table.primary_key)


def identifier(name: str, *, primary_key: bool = False, nullable: bool = False) -> Column[str]:
    return Column(name, Text(collation="C"), primary_key=primary_key, nullable=nullable)


def moment(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def sealed() -> tuple[Column[bytes], Column[object]]:
    """A row's content as JSON, and the data key it is encrypted under (null: none)."""
    return (Column("sealed", LargeBinary, nullable=False), Column("key_id", Uuid, nullable=True))
