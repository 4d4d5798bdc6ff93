from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import settings

from commands.branching import BRANCHES, RetryAfter, SwitchBranch
from commands.conversation import CONVERSATION, EditMessage, RequestRun
from commands.errors import InvalidCommand, NotFound, Rejected
from events import conversation as c
from events.event import Event

from .conversations import ANSWERED, AT_WORK, STARTED, asked, lines_of, post, posted, requested
from .scenario import given
from .test_properties import HISTORIES, run_all

RETRY = RetryAfter(message_id="m1", run_id="r9", branch_id="b1")
EDIT = EditMessage(edited_message_id="m1", branch_id="b1", message=post("m9", "r9", text="other"))
SWITCH = SwitchBranch(branch_id="main")
FORKING = [RETRY, EDIT]
QUESTION = {"id": "q1", "type": "structured_input", "status": "pending"}
#: Two turns (messages at versions 2 and 6), then the first answered again: branch b1, which
#: begins at version 9.
ANSWERED_TWICE: tuple[Event, ...] = (
    *ANSWERED,
    *asked("m2", "r2"),
    c.RunCompleted(run_id="r2"),
    c.BranchForked(branch_id="b1", parent_id="main", message_id="m1"),
    requested("r3", "m1", "retry"),
    c.RunCompleted(run_id="r3"),
)


def forked(branch_id: str, parent_id: str, message_id: str, side: str = "after") -> Event:
    return c.BranchForked(
        branch_id=branch_id, parent_id=parent_id, message_id=message_id, side=side
    )


def done(message_id: str, run_id: str) -> tuple[Event, ...]:
    return (*asked(message_id, run_id), c.RunCompleted(run_id=run_id))


def test_retry_forks_after_the_message_and_answers_again() -> None:
    given(*ANSWERED).when(RETRY).then(forked("b1", "main", "m1"), requested("r9", "m1", "retry"))


def test_edit_forks_before_the_message_and_posts_another() -> None:
    given(*ANSWERED).when(EDIT).then(
        forked("b1", "main", "m1", "before"), posted("m9", "other"), requested("r9", "m9")
    )


def test_message_of_any_branch_can_be_answered_again_or_edited() -> None:
    left = RetryAfter(message_id="m2", run_id="r9", branch_id="b2")
    given(*ANSWERED_TWICE).when(left).then(
        forked("b2", "main", "m2"), requested("r9", "m2", "retry")
    )
    history = (*ANSWERED_TWICE, *done("m3", "r4"))
    edit = EditMessage(edited_message_id="m3", branch_id="b2", message=post("m4", "r9"))
    given(*history).when(edit).then(
        forked("b2", "b1", "m3", "before"), posted("m4"), requested("r9", "m4")
    )


@pytest.mark.parametrize("command", FORKING, ids=["retry", "edit"])
def test_fork_of_an_unknown_message_is_refused(command: Any) -> None:
    given(STARTED, *done("m7", "r7")).when(command).refuses(NotFound)


@pytest.mark.parametrize("command", FORKING, ids=["retry", "edit"])
def test_fork_while_a_run_is_unfinished_is_refused(command: Any) -> None:
    given(*AT_WORK).when(command).refuses(Rejected, code="run_unfinished")


def test_fork_that_interrupts_asks_unfinished_runs_to_make_way() -> None:
    again = RetryAfter(message_id="m1", run_id="r9", branch_id="b1", policy="interrupt")
    asked_to_end = c.RunInterruptRequested(run_id="r1", by_run_id="r9")
    given(*AT_WORK).when(again).then(
        asked_to_end, forked("b1", "main", "m1"), requested("r9", "m1", "retry")
    )
    other = post("m9", "r9", text="other", policy="interrupt")
    edit = EditMessage(edited_message_id="m1", branch_id="b1", message=other)
    given(*AT_WORK).when(edit).then(
        asked_to_end,
        forked("b1", "main", "m1", "before"),
        posted("m9", "other"),
        requested("r9", "m9"),
    )


@pytest.mark.parametrize("command", [*FORKING, SWITCH], ids=["retry", "edit", "switch"])
def test_branches_of_a_deleted_conversation_stay_as_they_are(command: Any) -> None:
    given(*ANSWERED, c.Deleted()).when(command).refuses(NotFound)


@pytest.mark.parametrize("command", FORKING, ids=["retry", "edit"])
def test_fork_under_the_id_of_a_branch_is_refused(command: Any) -> None:
    given(*ANSWERED_TWICE).when(command).refuses(Rejected, code="branch_exists")


@pytest.mark.parametrize("command", FORKING, ids=["retry", "edit"])
def test_fork_beyond_the_limit_of_branches_is_refused(command: Any) -> None:
    forks = [forked(f"x{n}", "main", "m1") for n in range(BRANCHES - 1)]
    given(*ANSWERED, *forks[1:]).when(command).decide()
    given(*ANSWERED, *forks).when(command).refuses(Rejected, code="too_many_branches")


def test_edit_is_checked_like_any_message() -> None:
    empty = EditMessage(edited_message_id="m1", branch_id="b1", message=post("m9", "r9", text=" "))
    given(*ANSWERED).when(empty).refuses(InvalidCommand, match="text")
    same = EditMessage(edited_message_id="m1", branch_id="b1", message=post("m1", "r9"))
    given(*ANSWERED).when(same).refuses(Rejected, code="message_exists")


def test_switch_goes_back_to_a_branch() -> None:
    given(*ANSWERED_TWICE).when(SWITCH).then(
        c.BranchSwitched(branch_id="main", from_branch_id="b1")
    )


def test_switch_to_the_active_branch_changes_nothing() -> None:
    given(*ANSWERED_TWICE).when(SwitchBranch(branch_id="b1")).then()
    given(*AT_WORK).when(SWITCH).then()


def test_switch_to_an_unknown_branch_is_refused() -> None:
    given(*ANSWERED).when(SwitchBranch(branch_id="b1")).refuses(NotFound)


def test_switch_while_a_run_is_unfinished_is_refused() -> None:
    history = (*ANSWERED_TWICE, *asked("m3", "r4"))
    given(*history).when(SWITCH).refuses(Rejected, code="run_unfinished")


def test_switch_to_what_was_said_takes_the_branch_that_was_active_last() -> None:
    # main: m1, m2; b1: m1 answered again, m3; b2: m3 edited.
    history = (*ANSWERED_TWICE, *done("m3", "r4"), forked("b2", "b1", "m3", "before"))
    history = (*history, *done("m4", "r5"), c.BranchSwitched(branch_id="main", from_branch_id="b2"))
    reply_again, m3, reply = 11, 13, 3
    back = given(*history).when(SwitchBranch(version=reply_again))
    back.then(c.BranchSwitched(branch_id="b2", from_branch_id="main"))
    given(*history).when(SwitchBranch(version=m3)).then(
        c.BranchSwitched(branch_id="b1", from_branch_id="main")
    )
    given(*history).when(SwitchBranch(version=reply)).then()


def test_answer_to_an_item_of_another_branch_is_refused_until_that_is_active() -> None:
    history = (*ANSWERED, c.ThreadItemPut(item=QUESTION))
    left = (
        *history,
        forked("b1", "main", "m1"),
        requested("r2", "m1"),
        c.RunCompleted(run_id="r2"),
    )
    answer = RequestRun(run_id="r9", trigger="structured_input", pending_item_ids=("q1",))
    given(*left).when(answer).refuses(Rejected, code="item_answered")
    back = (*left, c.BranchSwitched(branch_id="main", from_branch_id="b1"))
    given(*back).when(answer).then(requested("r9", "m1", "structured_input"))


def test_run_after_a_switch_answers_the_last_message_of_the_branch() -> None:
    answer = RequestRun(run_id="r9", trigger="action")
    given(*ANSWERED_TWICE).when(answer).then(requested("r9", "m1", "action"))
    back = (*ANSWERED_TWICE, c.BranchSwitched(branch_id="main", from_branch_id="b1"))
    given(*back).when(answer).then(requested("r9", "m2", "action"))


@drawn(HISTORIES)
@settings(max_examples=150, deadline=None)
def test_branches_hold_what_was_said_on_them_and_before_they_forked(commands: list[Any]) -> None:
    log, state = run_all(CONVERSATION, commands)
    if state.status == "deleted":
        return
    lines, active = lines_of(log)
    assert state.branches.active_id == active
    for branch_id, line in lines.items():
        held = [m for m, v in state.messages.items() if state.branches.holds(branch_id, v)]
        assert held == line
    assert state.last_message_id == (lines[active][-1] if lines[active] else None)
