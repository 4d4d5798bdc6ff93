"""The read model of conversations: one row each, a deleted one too (its content is gone)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import field
from msgspec.structs import replace
from sqlalchemy import BigInteger, Column, Index, Table

from events import conversation as events
from events.stored import RecordedEvent
from projections.branch_rows import BranchRow, branch_key
from projections.errors import InconsistentHistory
from projections.rows import Key, ReadRow, Rows
from projections.tables import UPDATED, ReadModel, identifier, metadata, moment, sealed

ACTIVE = "active"
DELETED = "deleted"


class ConversationRow(ReadRow, frozen=True, kw_only=True):
    id: str
    status: str = ACTIVE
    title: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    created_at: datetime
    #: When the newest event of its stream was recorded.
    updated_at: datetime
    #: The branch that is shown and goes on.
    branch_id: str = events.MAIN_BRANCH
    #: User messages and replies of the active branch.
    message_count: int = 0
    last_message_at: datetime | None = None
    #: The stream version the row stands at.
    version: int
    #: The oldest run that has not ended.
    active_run_id: str | None = None
    #: The runs that wait behind it, oldest first.
    queued_run_ids: tuple[str, ...] = ()
    #: The run that waits for the user, while one does.
    waiting_run_id: str | None = None
    #: Of the run whose status changed last.
    last_run_status: str | None = None


TABLE = Table(
    "conversations",
    metadata,
    identifier("id", primary_key=True),
    identifier("owner_id"),
    identifier("status"),
    moment("created_at"),
    moment("updated_at"),
    identifier("branch_id"),
    Column("message_count", BigInteger, nullable=False),
    moment("last_message_at", nullable=True),
    Column("version", BigInteger, nullable=False),
    identifier("active_run_id", nullable=True),
    identifier("last_run_status", nullable=True),
    *sealed(),
    Index("conversations_owner", "owner_id", "created_at", "id"),
    postgresql_with=UPDATED,
)


def conversation_key(conversation_id: str) -> Key:
    return (TABLE.name, conversation_id)


def accepts(rows: Rows, event: RecordedEvent) -> bool:
    """Whether the event is the next one of a conversation that is there.

    False for one that was applied already, and for one of a conversation that was deleted or whose
    beginning was erased.
    """
    row = rows.get(conversation_key(events.id_of(event.stream_id)), ConversationRow)
    if row is None:
        return isinstance(event.event, events.Started)
    if row.status == DELETED or event.stream_version <= row.version:
        return False
    if event.stream_version != row.version + 1:
        raise InconsistentHistory(
            f"Version {row.version + 1} of {event.stream_id} was expected, "
            f"but {event.stream_version} came."
        )
    if event.owner_id != row.owner_id:
        raise InconsistentHistory(f"Version {event.stream_version} is of another owner.")
    return True


def _keys(event: RecordedEvent) -> Iterable[Key]:
    yield conversation_key(events.id_of(event.stream_id))


def _apply(rows: Rows, event: RecordedEvent) -> None:
    key = conversation_key(events.id_of(event.stream_id))
    row = rows.get(key, ConversationRow)
    changed = _start(event) if row is None else _change(rows, row, event)
    rows.put(key, replace(changed, version=event.stream_version, updated_at=event.recorded_at))


def _start(event: RecordedEvent) -> ConversationRow:
    return ConversationRow(
        id=events.id_of(event.stream_id),
        owner_id=event.owner_id,
        title=event.event.title if isinstance(event.event, events.Started) else "",
        created_at=event.recorded_at,
        updated_at=event.recorded_at,
        version=event.stream_version,
    )


def _change(rows: Rows, row: ConversationRow, event: RecordedEvent) -> ConversationRow:
    match event.event:
        case events.Renamed(title=title):
            return replace(row, title=title)
        case events.Deleted():
            return _delete(rows, row)
        case events.UserMessagePosted():
            count = row.message_count + 1
            return replace(row, message_count=count, last_message_at=event.recorded_at)
        case events.AssistantMessagePosted():
            return replace(row, last_message_at=event.recorded_at)
        case events.RunRequested(run_id=run_id):
            return _with_runs(row, (*unfinished_run_ids(row), run_id), "requested", replies=1)
        case events.RunStarted(run_id=run_id) | events.RunResumed(run_id=run_id):
            return _work_on(row, run_id)
        case events.RunPaused(run_id=run_id) if run_id in unfinished_run_ids(row):
            return replace(row, waiting_run_id=run_id, last_run_status="waiting")
        case events.RunCompleted(run_id=run_id):
            return _without_run(row, run_id, "completed")
        case events.RunFailed(run_id=run_id):
            return _without_run(row, run_id, "failed")
        case events.RunCancelled(run_id=run_id):
            return _without_run(row, run_id, "cancelled")
        case events.RunInterrupted(run_id=run_id):
            return _without_run(row, run_id, "interrupted")
        case events.BranchForked(branch_id=branch_id) | events.BranchSwitched(branch_id=branch_id):
            branch = rows.get(branch_key(row.id, branch_id), BranchRow)
            count = branch.message_count if branch else 0
            return replace(row, branch_id=branch_id, message_count=count)
        case _:
            return row


def unfinished_run_ids(row: ConversationRow) -> tuple[str, ...]:
    """Oldest first."""
    return (row.active_run_id, *row.queued_run_ids) if row.active_run_id else ()


def _work_on(row: ConversationRow, run_id: str) -> ConversationRow:
    if run_id not in unfinished_run_ids(row):
        return row
    return replace(_not_waiting(row, run_id), last_run_status="running")


def _not_waiting(row: ConversationRow, run_id: str) -> ConversationRow:
    return replace(row, waiting_run_id=None) if row.waiting_run_id == run_id else row


def _delete(rows: Rows, row: ConversationRow) -> ConversationRow:
    rows.sweep_conversation(row.id)
    return ConversationRow(
        id=row.id,
        owner_id=row.owner_id,
        status=DELETED,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
    )


def _with_runs(
    row: ConversationRow, run_ids: tuple[str, ...], status: str, *, replies: int = 0
) -> ConversationRow:
    return replace(
        row,
        active_run_id=run_ids[0] if run_ids else None,
        queued_run_ids=run_ids[1:],
        last_run_status=status,
        message_count=row.message_count + replies,
    )


def _without_run(row: ConversationRow, run_id: str, status: str) -> ConversationRow:
    unfinished = unfinished_run_ids(row)
    if run_id not in unfinished:
        return row
    left = tuple(i for i in unfinished if i != run_id)
    return _with_runs(_not_waiting(row, run_id), left, status)


MODEL = ReadModel(
    table=TABLE,
    row=ConversationRow,
    content=("title", "metadata", "queued_run_ids", "waiting_run_id"),
    keys=_keys,
    apply=_apply,
)
