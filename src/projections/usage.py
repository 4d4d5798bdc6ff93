"""The read model of usage: what each run that ended has used of which model, on which day.

A row for each run and no sums: applying an event twice changes nothing, and the query adds up. It
stays when its conversation is deleted, because what was used was used.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date
from typing import ClassVar, get_args

from sqlalchemy import BigInteger, Column, Date, Index, Table

from events import conversation as events
from events.stored import RecordedEvent
from projections.rows import Key, ReadRow, Rows
from projections.runs import after, run_of
from projections.tables import ReadModel, identifier, metadata, sealed

_ENDINGS = frozenset(
    {events.RunCompleted, events.RunFailed, events.RunCancelled, events.RunInterrupted}
)


class UsageRow(ReadRow, frozen=True, kw_only=True):
    outlives_conversation: ClassVar[bool] = True

    conversation_id: str
    #: The run's.
    id: str
    #: In UTC, of the run's end.
    day: date
    #: Empty for a run that ended before it asked one.
    model: str
    #: completed | failed | cancelled | interrupted
    status: str
    requests: int
    input_tokens: int
    output_tokens: int


TABLE = Table(
    "usage",
    metadata,
    identifier("conversation_id", primary_key=True),
    identifier("id", primary_key=True),
    identifier("owner_id"),
    Column("day", Date, nullable=False),
    identifier("model"),
    identifier("status"),
    Column("requests", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    *sealed(),
    Index("usage_owner", "owner_id", "day"),
    Index("usage_day", "day"),
)


def usage_key(conversation_id: str, run_id: str) -> Key:
    return (TABLE.name, conversation_id, run_id)


def _keys(event: RecordedEvent) -> Iterable[Key]:
    if (run_id := _ended_run_id(event)) is not None:
        yield usage_key(events.id_of(event.stream_id), run_id)


def _ended_run_id(event: RecordedEvent) -> str | None:
    # By its class itself, because most events end no run and isinstance would ask four times.
    return getattr(event.event, "run_id", None) if type(event.event) in _ENDINGS else None


def _apply(rows: Rows, event: RecordedEvent) -> None:
    """Before runs are: only the first ending of a run counts."""
    if (run_id := _ended_run_id(event)) is None:
        return
    conversation_id = events.id_of(event.stream_id)
    run = run_of(rows, conversation_id, run_id)
    if run.ended_at is not None:
        return
    ended = after(run, event)
    row = UsageRow(
        conversation_id=conversation_id,
        id=run.id,
        owner_id=event.owner_id,
        day=event.recorded_at.astimezone(UTC).date(),
        model=ended.model,
        status=ended.status,
        requests=ended.requests,
        input_tokens=ended.input_tokens,
        output_tokens=ended.output_tokens,
    )
    rows.put(usage_key(conversation_id, run.id), row)


MODEL = ReadModel(
    table=TABLE,
    row=UsageRow,
    content=(),
    keys=_keys,
    apply=_apply,
    events=get_args(_ENDINGS),
    is_write_only=True,
)
