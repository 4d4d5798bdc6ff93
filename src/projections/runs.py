"""The read model of runs: one row for each time the agent was asked to answer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace
from sqlalchemy import BigInteger, Column, Index, Integer, Table

from events import conversation as events
from events.stored import RecordedEvent
from projections.errors import InconsistentHistory
from projections.messages import MessageRow, message_key
from projections.ordinals import turn_of
from projections.rows import Key, ReadRow, Rows
from projections.tables import UPDATED, ReadModel, identifier, metadata, moment, sealed


class RunRow(ReadRow, frozen=True, kw_only=True):
    id: str
    conversation_id: str
    #: The user message it answers.
    message_id: str
    #: The stream version of that message.
    turn: int
    #: requested | running | waiting | completed | failed | cancelled | interrupted
    status: str = "requested"
    attempt: int = 0
    trigger: str
    model: str = ""
    requested_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    #: The run it was asked to make way for.
    interrupted_by_run_id: str | None = None
    error_code: str | None = None
    error_message: str = ""


TABLE = Table(
    "runs",
    metadata,
    identifier("id", primary_key=True),
    identifier("conversation_id"),
    identifier("owner_id"),
    identifier("message_id"),
    Column("turn", BigInteger, nullable=False),
    identifier("status"),
    Column("attempt", Integer, nullable=False),
    identifier("trigger"),
    identifier("model"),
    moment("requested_at"),
    moment("started_at", nullable=True),
    moment("ended_at", nullable=True),
    Column("requests", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    identifier("interrupted_by_run_id", nullable=True),
    identifier("error_code", nullable=True),
    *sealed(),
    Index("runs_conversation", "conversation_id", "turn"),
    postgresql_with=UPDATED,
)
Index(
    "runs_unfinished",
    TABLE.c.conversation_id,
    postgresql_where=TABLE.c.ended_at.is_(None),
)


def run_key(run_id: str) -> Key:
    return (TABLE.name, run_id)


def run_of(rows: Rows, conversation_id: str, run_id: str) -> RunRow:
    """Raises InconsistentHistory when the conversation has no such run."""
    run = rows.get(run_key(run_id), RunRow)
    if run is None or run.conversation_id != conversation_id:
        raise InconsistentHistory(f"Run {run_id} was never requested in this conversation.")
    return run


def _keys(event: RecordedEvent) -> Iterable[Key]:
    run_id = getattr(event.event, "run_id", None)
    if run_id is not None:
        yield run_key(run_id)


def _apply(rows: Rows, event: RecordedEvent) -> None:
    run_id = getattr(event.event, "run_id", None)
    if run_id is None:
        return
    conversation_id = events.id_of(event.stream_id)
    if isinstance(event.event, events.RunRequested):
        rows.put(run_key(run_id), _request(rows, conversation_id, event, event.event))
        return
    run = run_of(rows, conversation_id, run_id)
    if run.ended_at is None:
        rows.put(run_key(run_id), after(run, event))


def _request(
    rows: Rows, conversation_id: str, event: RecordedEvent, requested: events.RunRequested
) -> RunRow:
    if rows.get(run_key(requested.run_id), RunRow) is not None:
        raise InconsistentHistory(f"Run {requested.run_id} was requested twice.")
    message = rows.get(message_key(conversation_id, requested.message_id), MessageRow)
    if message is None:
        raise InconsistentHistory(f"Message {requested.message_id} to answer is not there.")
    return RunRow(
        id=requested.run_id,
        conversation_id=conversation_id,
        owner_id=event.owner_id,
        message_id=requested.message_id,
        turn=turn_of(message.ordinal),
        trigger=requested.trigger,
        requested_at=event.recorded_at,
    )


def after(run: RunRow, event: RecordedEvent) -> RunRow:
    """A run that has not ended, as the event leaves it."""
    match event.event:
        case events.RunStarted(attempt=attempt, model=model):
            started_at = run.started_at or event.recorded_at
            return replace(
                run, status="running", attempt=attempt, model=model, started_at=started_at
            )
        case events.RunInterruptRequested(by_run_id=by_run_id):
            return replace(run, interrupted_by_run_id=by_run_id)
        case events.RunResumed(attempt=attempt):
            return replace(run, status="running", attempt=attempt)
        case events.RunPaused():
            return replace(run, status="waiting")
        case events.ModelResponded(usage=usage):
            return _with_usage(run, usage)
        case events.RunCompleted(usage=usage):
            return _ended(run, event, "completed", usage)
        case events.RunFailed(usage=usage, code=code, message=message):
            failed = _ended(run, event, "failed", usage)
            return replace(failed, error_code=code, error_message=message)
        case events.RunCancelled(usage=usage):
            return _ended(run, event, "cancelled", usage)
        case events.RunInterrupted(reason=reason):
            interrupted = replace(run, error_code="interrupted", error_message=reason)
            return _ended(interrupted, event, "interrupted", events.Usage())
        case _:
            return run


def _with_usage(run: RunRow, usage: events.Usage) -> RunRow:
    """The tokens so far, for a run that never gets to say what it used in all."""
    return replace(
        run,
        requests=run.requests + max(1, usage.requests),
        input_tokens=run.input_tokens + usage.input_tokens,
        output_tokens=run.output_tokens + usage.output_tokens,
    )


def _ended(run: RunRow, event: RecordedEvent, status: str, usage: events.Usage) -> RunRow:
    ended = replace(run, status=status, ended_at=event.recorded_at)
    if usage == events.Usage():
        return ended
    return replace(
        ended,
        requests=usage.requests,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
    )


MODEL = ReadModel(
    table=TABLE,
    row=RunRow,
    content=("error_message",),
    keys=_keys,
    apply=_apply,
)
