"""Law 4 on the fold alone: however the log is cut into batches, the rows are the same."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from events import conversation as c
from events.stored import RecordedEvent
from projections.conversations import ConversationRow, unfinished_run_ids
from projections.fold import MODELS
from projections.messages import OPEN_STATUSES, UNFINISHED, MessageRow
from projections.runs import RunRow
from projections.thread_items import ThreadItemRow
from tests.unit.commands.conversations import lines_of
from tests.unit.projections.histories import Step, histories, recorded
from tests.unit.projections.laws import WAYS, assert_lawful
from tests.unit.projections.memory import folded, rows_of_branch

_laws = settings(max_examples=150, deadline=None)


@pytest.mark.parametrize("way", sorted(WAYS))
@_laws
@given(history=histories(), data=st.data())
def test_each_way_through_the_log_makes_the_same_rows(
    way: str, history: list[Step], data: st.DataObject
) -> None:
    events = recorded(history)
    assert_lawful(way, events, _batches(events, data))


@pytest.mark.parametrize("table", sorted(model.name for model in MODELS))
def test_histories_make_rows_of_every_table(table: str) -> None:
    """Or the laws would say nothing about it."""

    def has_rows(history: list[Step]) -> bool:
        return any(key[0] == table for key in folded(recorded(history)).stored)

    search = settings(max_examples=500, deadline=None, phases=[Phase.generate], database=None)
    assert find(histories(), has_rows, settings=search)


@_laws
@given(histories())
def test_rows_agree_with_each_other(history: list[Step]) -> None:
    memory = folded(recorded(history))
    stored = memory.stored.values()
    messages = [row for row in stored if isinstance(row, MessageRow)]
    runs = [row for row in stored if isinstance(row, RunRow)]
    for row in stored:
        if isinstance(row, ConversationRow):
            active = rows_of_branch(memory, MessageRow, row.id, row.branch_id)
            assert row.message_count == len(active)
            assert [m.number for m in active] == list(range(1, len(active) + 1))
            own = sorted((r for r in runs if r.conversation_id == row.id), key=_requested_at)
            assert unfinished_run_ids(row) == tuple(r.id for r in own if r.ended_at is None)
    for message in messages:
        if message.status not in UNFINISHED:
            assert not any(call.status in OPEN_STATUSES for call in message.tool_calls)


@_laws
@given(histories())
def test_every_branch_shows_what_was_said_on_it_and_before_it_forked(history: list[Step]) -> None:
    memory = folded(recorded(history))
    for row in list(memory.stored.values()):
        if not isinstance(row, ConversationRow) or row.status == "deleted":
            continue
        stream_id = c.stream_of(row.id)
        lines, active = lines_of(step.event for step in history if step.stream_id == stream_id)
        assert row.branch_id == active
        for branch_id, line in lines.items():
            shown = rows_of_branch(memory, MessageRow, row.id, branch_id)
            assert [m.id for m in shown if m.role == "user"] == line
            items = rows_of_branch(memory, ThreadItemRow, row.id, branch_id)
            assert [i.id for i in items if i.kind == "user_message"] == line


@_laws
@given(histories())
def test_ordinals_are_unique_and_keep_turns_apart(history: list[Step]) -> None:
    stored = folded(recorded(history)).stored.values()
    for kind in (MessageRow, ThreadItemRow):
        places = [(r.conversation_id, r.ordinal) for r in stored if isinstance(r, kind)]
        assert len(places) == len(set(places))
    for run in (row for row in stored if isinstance(row, RunRow)):
        reply = next(r for r in stored if isinstance(r, MessageRow) and r.run_id == run.id)
        assert reply.ordinal >> 24 == run.turn


def _batches(events: Sequence[RecordedEvent], data: st.DataObject) -> list[Sequence[RecordedEvent]]:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(events)), max_size=8)))
    ends = [*cuts, len(events)]
    return [events[a:b] for a, b in zip([0, *cuts], ends, strict=True) if a < b]


def _requested_at(run: RunRow) -> object:
    return run.requested_at
