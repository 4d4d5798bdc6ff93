"""The read model of tasks: a row for each task that was not deleted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace
from sqlalchemy import BigInteger, Column, Index, Table

from events import task as events
from events.stored import RecordedEvent
from projections.errors import InconsistentHistory
from projections.rows import Key, ReadRow, Rows
from projections.tables import UPDATED, ReadModel, identifier, metadata, moment, sealed

PENDING = "pending"
COMPLETED = "completed"


class TaskRow(ReadRow, frozen=True, kw_only=True):
    id: str
    title: str
    notes: str = ""
    status: str = PENDING
    created_at: datetime
    completed_at: datetime | None = None
    #: The stream version the row stands at.
    version: int


TABLE = Table(
    "tasks",
    metadata,
    identifier("id", primary_key=True),
    identifier("owner_id"),
    identifier("status"),
    moment("created_at"),
    moment("completed_at", nullable=True),
    Column("version", BigInteger, nullable=False),
    *sealed(),
    Index("tasks_owner", "owner_id", "created_at", "id"),
    postgresql_with=UPDATED,
)


def task_key(task_id: str) -> Key:
    return (TABLE.name, task_id)


def accepts(rows: Rows, event: RecordedEvent) -> bool:
    """Whether the event is the next one of a task that is there, or adds it.

    False for one that was applied already, and for one of a task that was deleted or whose
    beginning was erased.
    """
    row = rows.get(task_key(events.id_of(event.stream_id)), TaskRow)
    if row is None:
        return isinstance(event.event, events.Added)
    if event.stream_version <= row.version:
        return False
    if event.stream_version != row.version + 1 or event.owner_id != row.owner_id:
        raise InconsistentHistory(
            f"Version {row.version + 1} of {event.stream_id} was expected from its owner, "
            f"but {event.stream_version} came."
        )
    return True


def _keys(event: RecordedEvent) -> Iterable[Key]:
    yield task_key(events.id_of(event.stream_id))


def _apply(rows: Rows, event: RecordedEvent) -> None:
    key = task_key(events.id_of(event.stream_id))
    row = rows.get(key, TaskRow)
    if isinstance(event.event, events.Deleted):
        rows.delete(key)
    elif row is None:
        rows.put(key, _add(event))
    else:
        rows.put(key, replace(_change(row, event), version=event.stream_version))


def _add(event: RecordedEvent) -> TaskRow:
    if not isinstance(event.event, events.Added):
        raise InconsistentHistory(f"{event.stream_id} was changed before it was added.")
    return TaskRow(
        id=events.id_of(event.stream_id),
        owner_id=event.owner_id,
        title=event.event.title,
        notes=event.event.notes,
        created_at=event.recorded_at,
        version=event.stream_version,
    )


def _change(row: TaskRow, event: RecordedEvent) -> TaskRow:
    match event.event:
        case events.Renamed(title=title, notes=notes):
            return replace(row, title=title, notes=notes)
        case events.Completed():
            return replace(row, status=COMPLETED, completed_at=event.recorded_at)
        case events.Reopened():
            return replace(row, status=PENDING, completed_at=None)
        case _:
            return row


MODEL = ReadModel(
    table=TABLE,
    row=TaskRow,
    content=("title", "notes"),
    keys=_keys,
    apply=_apply,
)
