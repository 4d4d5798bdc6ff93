from __future__ import annotations

from typing import TypeVar

import msgspec
import pytest

from events import conversation as c
from events import task as t
from events import user as u
from events.event import Event
from projections.conversations import ConversationRow
from projections.errors import InconsistentHistory
from projections.messages import MessageRow, ToolCall
from projections.rows import ReadRow
from projections.runs import RunRow
from projections.tasks import TaskRow
from projections.thread_items import ThreadItemRow
from tests.unit.projections.histories import (
    NOON,
    Step,
    called,
    conversation_events,
    posted,
    recorded,
    replied,
    requested,
    run_started,
)
from tests.unit.projections.memory import MemoryRows, folded, rows_of_branch

RowType = TypeVar("RowType", bound=ReadRow)
TURN = (c.Started(), posted("m1"), requested("r1", "m1"))


def given(*events: Event) -> MemoryRows:
    return folded(conversation_events(*events))


def rows_of(memory: MemoryRows, kind: type[RowType]) -> list[RowType]:
    found = [row for row in memory.stored.values() if isinstance(row, kind)]
    return sorted(found, key=lambda row: getattr(row, "ordinal", 0))


def shown(memory: MemoryRows, kind: type[RowType]) -> list[RowType]:
    """The rows of the active branch."""
    row = conversation(memory)
    return rows_of_branch(memory, kind, row.id, row.branch_id)


def conversation(memory: MemoryRows) -> ConversationRow:
    (row,) = rows_of(memory, ConversationRow)
    return row


def reply(memory: MemoryRows) -> MessageRow:
    (row,) = (row for row in rows_of(memory, MessageRow) if row.run_id == "r1")
    return row


def only_call(memory: MemoryRows) -> ToolCall:
    (call,) = reply(memory).tool_calls
    return call


def item(memory: MemoryRows, item_id: str) -> ThreadItemRow:
    (row,) = (row for row in rows_of(memory, ThreadItemRow) if row.id == item_id)
    return row


def test_conversation_row_shows_title_count_and_version() -> None:
    row = conversation(given(*TURN, c.Renamed(title="Groceries")))
    assert (row.title, row.message_count, row.version) == ("Groceries", 2, 4)
    assert row.created_at < (row.last_message_at or NOON) < row.updated_at
    assert (row.active_run_id, row.last_run_status) == ("r1", "requested")


def test_active_run_is_the_oldest_unfinished_one() -> None:
    queued = (*TURN, posted("m2"), requested("r2", "m2"), run_started("r1"))
    row = conversation(given(*queued))
    assert (row.active_run_id, row.queued_run_ids) == ("r1", ("r2",))
    after = conversation(given(*queued, c.RunCompleted(run_id="r1")))
    assert (after.active_run_id, after.last_run_status) == ("r2", "completed")


def test_reply_is_one_row_with_all_texts_of_its_run() -> None:
    memory = given(
        *TURN, replied("r1", "a1", "One."), replied("r1", "a2", "Two."), c.RunCompleted(run_id="r1")
    )
    assert reply(memory).id == c.reply_id_of("r1")
    assert reply(memory).content == "One.\n\nTwo."
    assert (reply(memory).role, reply(memory).status) == ("assistant", "completed")


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (c.ToolCompleted(run_id="r1", call_id="k1", output="ok"), ("success", "ok", None)),
        (c.ToolFailed(run_id="r1", call_id="k1", error="broken"), ("error", None, "broken")),
        (
            c.ToolApprovalDenied(run_id="r1", call_id="k1", reason="no"),
            ("denied", None, "no"),
        ),
        (
            c.ToolOutcomeUnknown(run_id="r1", call_id="k1", reason="lost"),
            ("unknown", None, "lost"),
        ),
    ],
)
def test_tool_call_shows_its_outcome(
    outcome: Event, expected: tuple[str, str | None, str | None]
) -> None:
    call = only_call(given(*TURN, called("r1", "k1"), outcome))
    assert (call.status, call.output, call.error) == expected
    assert call.started_at is not None
    assert call.ended_at is not None


def test_tool_call_waits_for_approval_and_runs_once_granted() -> None:
    asked = (*TURN, called("r1", "k1"), c.ToolApprovalRequested(run_id="r1", call_id="k1"))
    assert only_call(given(*asked)).status == "requested"
    granted = (*asked, c.ToolApprovalGranted(run_id="r1", call_id="k1"))
    assert only_call(given(*granted)).status == "running"


def test_ended_run_leaves_no_running_tool() -> None:
    memory = given(*TURN, called("r1", "k1"), c.RunCancelled(run_id="r1"))
    assert only_call(memory).status == "interrupted"
    assert item(memory, "k1").item["task"]["status_indicator"] == "complete"


def test_late_tool_outcome_counts_and_late_start_does_not() -> None:
    ended = (*TURN, called("r1", "k1"), c.RunCancelled(run_id="r1"))
    late = given(*ended, c.ToolCompleted(run_id="r1", call_id="k1", output="ok"))
    assert only_call(late).status == "success"
    again = given(*ended, called("r1", "k1"))
    assert only_call(again).status == "interrupted"


def test_call_made_again_after_a_takeover_stays_one_call() -> None:
    memory = given(*TURN, called("r1", "k1"), called("r1", "k2"), called("r1", "k1"))
    assert [call.call_id for call in reply(memory).tool_calls] == ["k1", "k2"]


def test_first_end_of_a_run_stays() -> None:
    memory = given(
        *TURN, c.RunCancelled(run_id="r1"), c.RunFailed(run_id="r1", code="internal", message="It.")
    )
    (run,) = rows_of(memory, RunRow)
    assert (run.status, reply(memory).status) == ("cancelled", "cancelled")
    assert conversation(memory).last_run_status == "cancelled"
    assert [row.kind for row in rows_of(memory, ThreadItemRow)] == ["user_message"]


def test_run_row_counts_tokens_until_the_run_says_its_own() -> None:
    responded = c.ModelResponded(
        run_id="r1",
        attempt=1,
        response_id="x",
        items=(),
        usage=c.Usage(input_tokens=7, output_tokens=3),
    )
    twice = (*TURN, run_started("r1"), responded, responded)
    (run,) = rows_of(given(*twice, c.RunInterrupted(run_id="r1", reason="late")), RunRow)
    assert (run.requests, run.input_tokens, run.output_tokens) == (2, 14, 6)
    usage = c.Usage(requests=5, input_tokens=50, output_tokens=20)
    (run,) = rows_of(given(*twice, c.RunCompleted(run_id="r1", usage=usage)), RunRow)
    assert (run.requests, run.input_tokens, run.output_tokens) == (5, 50, 20)


def test_failed_run_leaves_its_sentence_in_the_thread() -> None:
    memory = given(*TURN, c.RunFailed(run_id="r1", code="internal", message="It broke."))
    (run,) = rows_of(memory, RunRow)
    assert (run.error_code, run.error_message) == ("internal", "It broke.")
    failure = rows_of(memory, ThreadItemRow)[-1]
    assert failure.item["task"]["title"] == "It broke."


def test_queued_turns_do_not_interleave() -> None:
    memory = given(
        *TURN, posted("m2"), requested("r2", "m2"), replied("r1", "a1"), replied("r2", "a2")
    )
    assert [row.id for row in rows_of(memory, ThreadItemRow)] == ["m1", "a1", "m2", "a2"]
    assert [row.run_id for row in rows_of(memory, MessageRow)] == [None, "r1", None, "r2"]


def test_retry_leaves_everything_after_its_message() -> None:
    memory = given(
        *TURN,
        replied("r1", "a1"),
        c.RunCompleted(run_id="r1"),
        posted("m2"),
        requested("r2", "m2"),
        c.RunCancelled(run_id="r2"),
        c.BranchForked(branch_id="b1", message_id="m1"),
        requested("r3", "m1", "retry"),
        replied("r3", "a3"),
    )
    assert [row.id for row in shown(memory, ThreadItemRow)] == ["m1", "a3"]
    assert [row.run_id for row in shown(memory, MessageRow)] == [None, "r3"]
    assert conversation(memory).message_count == 2


def test_edit_puts_a_message_in_the_place_of_another() -> None:
    memory = given(
        *TURN,
        replied("r1", "a1"),
        c.RunCompleted(run_id="r1"),
        posted("m2"),
        requested("r2", "m2"),
        c.RunCancelled(run_id="r2"),
        c.BranchForked(branch_id="b1", message_id="m2", side="before"),
        posted("m3"),
        requested("r3", "m3"),
        c.RunCancelled(run_id="r3"),
        posted("m4"),
    )
    assert [row.id for row in shown(memory, ThreadItemRow)] == ["m1", "a1", "m3", "m4"]
    slots = {row.id: row.slot_id for row in rows_of(memory, MessageRow) if row.role == "user"}
    assert slots == {"m1": "m1", "m2": "m2", "m3": "m2", "m4": "m4"}
    assert conversation(memory).message_count == 5


def test_edit_of_an_edit_takes_the_place_of_the_first() -> None:
    memory = given(
        *TURN,
        c.RunCancelled(run_id="r1"),
        c.BranchForked(branch_id="b1", message_id="m1", side="before"),
        posted("m2"),
        c.BranchForked(branch_id="b2", message_id="m2", side="before"),
        posted("m3"),
    )
    assert [row.slot_id for row in rows_of(memory, MessageRow) if row.role == "user"] == ["m1"] * 3
    assert [row.id for row in shown(memory, MessageRow)] == ["m3"]
    assert conversation(memory).message_count == 1


def test_replies_to_a_message_are_siblings_and_further_ones_of_the_turn_are_not() -> None:
    memory = given(
        *TURN,
        c.RunCompleted(run_id="r1"),
        requested("r2", "m1", "tool_output"),
        c.RunCompleted(run_id="r2"),
        c.BranchForked(branch_id="b1", message_id="m1"),
        requested("r3", "m1", "retry"),
    )
    slots = {row.run_id: row.slot_id for row in rows_of(memory, MessageRow) if row.run_id}
    assert slots == {"r1": "m1", "r2": None, "r3": "m1"}


def test_switch_shows_the_branch_again_and_goes_on_there() -> None:
    memory = given(
        *TURN,
        replied("r1", "a1"),
        c.RunCompleted(run_id="r1"),
        c.BranchForked(branch_id="b1", message_id="m1"),
        requested("r2", "m1", "retry"),
        c.RunCancelled(run_id="r2"),
        posted("m2"),
        c.BranchSwitched(branch_id="main", from_branch_id="b1"),
        posted("m3"),
        c.BranchSwitched(branch_id="b1", from_branch_id="main"),
        c.BranchSwitched(branch_id="main", from_branch_id="b1"),
    )
    assert [row.id for row in shown(memory, ThreadItemRow)] == ["m1", "a1", "m3"]
    assert conversation(memory).message_count == 3


def test_what_a_run_says_after_a_retry_left_it_stays_inactive() -> None:
    memory = given(
        *TURN,
        c.RunCancelled(run_id="r1"),
        c.BranchForked(branch_id="b1", message_id="m1"),
        requested("r2", "m1", "retry"),
        replied("r1", "a1"),
    )
    assert [row.id for row in shown(memory, ThreadItemRow)] == ["m1"]


def test_put_item_keeps_its_place_when_put_again() -> None:
    widget = {"id": "i1", "type": "widget", "widget": 1}
    memory = given(
        *TURN,
        c.ThreadItemPut(item=widget),
        posted("m2"),
        c.ThreadItemPut(item=widget | {"widget": 2}),
    )
    assert [row.id for row in rows_of(memory, ThreadItemRow)] == ["m1", "i1", "m2"]
    assert item(memory, "i1").item["widget"] == 2


def test_item_put_by_a_run_stands_in_its_turn() -> None:
    events = conversation_events(*TURN, posted("m2"))
    put = msgspec.structs.replace(
        conversation_events(*TURN, posted("m2"), c.ThreadItemPut(item={"id": "i1", "type": "x"}))[
            -1
        ],
        metadata={"actor": "agent:r1"},
    )
    memory = folded([*events, put])
    assert [row.id for row in rows_of(memory, ThreadItemRow)] == ["m1", "i1", "m2"]


def test_removed_item_is_gone_and_hidden_kinds_are_marked() -> None:
    memory = given(
        c.Started(),
        c.ThreadItemPut(item={"id": "i1", "type": "hidden_context_item"}),
        c.ThreadItemPut(item={"id": "i2", "type": "widget"}),
        c.ThreadItemRemoved(item_id="i2"),
    )
    assert [(row.id, row.is_hidden) for row in rows_of(memory, ThreadItemRow)] == [("i1", True)]


def test_deleted_conversation_keeps_a_bare_row() -> None:
    memory = given(
        *TURN, c.Renamed(title="Secret"), c.RunCancelled(run_id="r1"), c.Deleted(), posted("m9")
    )
    (row,) = (row for row in memory.stored.values() if not row.outlives_conversation)
    assert isinstance(row, ConversationRow)
    assert (row.status, row.title, row.message_count, row.version) == ("deleted", "", 0, 6)


def test_same_ids_in_two_conversations_do_not_meet() -> None:
    one, other = c.stream_of("c1"), c.stream_of("c2")
    memory = folded(
        recorded(
            [
                Step(one, "ada", "user:ada", c.Started()),
                Step(other, "bob", "user:bob", c.Started()),
                Step(one, "ada", "user:ada", posted("m1", "from ada")),
                Step(other, "bob", "user:bob", posted("m1", "from bob")),
            ]
        )
    )
    assert {(r.owner_id, r.content) for r in rows_of(memory, MessageRow)} == {
        ("ada", "from ada"),
        ("bob", "from bob"),
    }


def test_task_is_pending_then_completed_then_gone() -> None:
    def rows_after(*events: Event) -> list[TaskRow]:
        stream_id = t.stream_of("t1")
        steps = [Step(stream_id, "ada", "user:ada", event) for event in events]
        return rows_of(folded(recorded(steps)), TaskRow)

    (added,) = rows_after(t.Added(title="Milk", notes="two"))
    assert (added.title, added.notes, added.status, added.completed_at) == (
        "Milk",
        "two",
        "pending",
        None,
    )
    (completed,) = rows_after(t.Added(title="Milk"), t.Completed())
    assert (completed.status, completed.version) == ("completed", 2)
    assert completed.completed_at is not None
    (reopened,) = rows_after(t.Added(title="Milk"), t.Completed(), t.Reopened())
    assert (reopened.status, reopened.completed_at) == ("pending", None)
    assert rows_after(t.Added(title="Milk"), t.Deleted()) == []


def test_erased_user_has_no_rows_and_others_keep_theirs() -> None:
    memory = folded(
        recorded(
            [
                Step(c.stream_of("c1"), "ada", "user:ada", c.Started()),
                Step(c.stream_of("c1"), "ada", "user:ada", posted("m1")),
                Step(t.stream_of("t1"), "ada", "user:ada", t.Added(title="Milk")),
                Step(c.stream_of("c2"), "bob", "user:bob", c.Started()),
                Step(u.stream_of("ada"), "system", "system", u.Erased(keys=1)),
            ]
        )
    )
    assert {row.owner_id for row in memory.stored.values()} == {"bob"}


def test_events_of_a_conversation_whose_beginning_was_erased_are_ignored() -> None:
    memory = MemoryRows()
    memory.apply(conversation_events(*TURN)[1:])
    assert memory.stored == {}


@pytest.mark.parametrize(
    "impossible",
    [
        requested("r9", "m9"),
        requested("r1", "m1"),
        posted("m1"),
        replied("r9", "a9"),
        c.ToolCompleted(run_id="r1", call_id="k9", output=""),
        c.BranchForked(branch_id="b1", message_id="m9"),
        c.BranchSwitched(branch_id="b1", from_branch_id="main"),
        c.ThreadItemPut(item={"type": "widget"}),
    ],
)
def test_impossible_event_raises_and_changes_nothing(impossible: Event) -> None:
    memory = given(*TURN)
    before = dict(memory.stored)
    with pytest.raises(InconsistentHistory):
        memory.apply([conversation_events(*TURN, impossible)[-1]])
    assert memory.stored == before


def test_event_out_of_order_or_of_another_owner_raises() -> None:
    memory = given(*TURN)
    later = conversation_events(*TURN, posted("m2"), posted("m3"))
    with pytest.raises(InconsistentHistory, match="Version 4"):
        memory.apply([later[-1]])
    with pytest.raises(InconsistentHistory, match="another owner"):
        memory.apply([msgspec.structs.replace(later[3], owner_id="eve")])
