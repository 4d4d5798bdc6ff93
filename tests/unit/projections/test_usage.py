from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import msgspec
import pytest

from events import conversation as c
from events.event import Event
from projections.usage import UsageRow, usage_key
from tests.unit.projections.histories import (
    conversation_events,
    posted,
    requested,
    run_started,
)
from tests.unit.projections.memory import MemoryRows, folded

BEGUN = (c.Started(), posted("m1"), requested("r1", "m1"), run_started("r1"))
USED = c.Usage(requests=2, input_tokens=90, output_tokens=7)


def responded(tokens: int = 10) -> c.ModelResponded:
    usage = c.Usage(requests=1, input_tokens=tokens, output_tokens=1)
    return c.ModelResponded(run_id="r1", attempt=1, response_id="x", items=(), usage=usage)


def usage_of(memory: MemoryRows, run_id: str = "r1") -> UsageRow | None:
    row = memory.stored.get(usage_key("c1", run_id))
    assert row is None or isinstance(row, UsageRow)
    return row


def after(*events: Event) -> UsageRow | None:
    return usage_of(folded(conversation_events(*BEGUN, *events)))


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        pytest.param(c.RunCompleted(run_id="r1", usage=USED), "completed", id="completed"),
        pytest.param(
            c.RunFailed(run_id="r1", code="x", message="It broke.", usage=USED),
            "failed",
            id="failed",
        ),
        pytest.param(c.RunCancelled(run_id="r1", usage=USED), "cancelled", id="cancelled"),
    ],
)
def test_run_counts_by_what_its_ending_reports(ending: Event, status: str) -> None:
    row = after(responded(), ending)
    assert row is not None
    assert (row.status, row.model, row.owner_id) == (status, "scripted", "ada")
    assert (row.requests, row.input_tokens, row.output_tokens) == (2, 90, 7)
    assert row.day == date(2026, 1, 1)


def test_run_that_never_says_what_it_used_counts_by_its_responses() -> None:
    row = after(responded(10), responded(20), c.RunInterrupted(run_id="r1", reason="silent"))
    assert row is not None
    assert (row.status, row.requests, row.input_tokens) == ("interrupted", 2, 30)


def test_run_counts_once_and_not_before_it_ends() -> None:
    assert after(responded()) is None
    first = c.RunCancelled(run_id="r1", usage=USED)
    late = c.RunCompleted(run_id="r1", usage=c.Usage(input_tokens=1_000))
    row = after(first, late)
    assert row is not None
    assert (row.status, row.input_tokens) == ("cancelled", 90)


def test_run_that_ended_before_it_asked_a_model_has_none() -> None:
    row = usage_of(folded(conversation_events(*BEGUN[:3], c.RunCancelled(run_id="r1"))))
    assert row is not None
    assert (row.model, row.requests, row.input_tokens) == ("", 0, 0)


def test_usage_outlives_its_conversation_in_one_batch_and_in_several() -> None:
    events = conversation_events(
        *BEGUN, c.RunCompleted(run_id="r1", usage=USED), c.Deleted(), conversation_id="c1"
    )
    in_steps = MemoryRows()
    for event in events:
        in_steps.apply([event])
    assert in_steps.stored == folded(events).stored
    assert usage_of(in_steps) is not None


def test_day_is_that_of_utc() -> None:
    late = datetime(2026, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=2)))
    *before, ending = conversation_events(*BEGUN, c.RunCompleted(run_id="r1"))
    row = usage_of(folded([*before, msgspec.structs.replace(ending, recorded_at=late)]))
    assert row is not None
    assert row.day == date(2026, 2, 28)
