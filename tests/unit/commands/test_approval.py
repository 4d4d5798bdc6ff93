"""A call that needs approval, from the question to the decision."""

from __future__ import annotations

from typing import Any

import pytest

from commands.approval import (
    ENDED,
    NEXT_ATTEMPT,
    REASON_CHARACTERS,
    STOPPED,
    SUPERSEDED,
    DecideCall,
    PauseRun,
    StopWaiting,
)
from commands.branching import RetryAfter
from commands.errors import InvalidCommand, NotFound, Rejected, StaleAttempt
from commands.run import (
    CancelRun,
    CompleteRun,
    CompleteTool,
    FailRun,
    FailTool,
    InterruptRun,
    LoseTool,
    ResumeRun,
)
from events import conversation as c
from events.event import Event

from .conversations import AT_WORK, USAGE, call, called, post, respond, responded
from .scenario import given

OF = {"run_id": "r1", "call_id": "c1"}
ASKED: tuple[Event, ...] = (
    *AT_WORK,
    responded(),
    called(),
    c.ToolApprovalRequested(**OF, subject="Milk"),
)
PAUSED = c.RunPaused(run_id="r1", attempt=1, last_seq=7)
WAITING: tuple[Event, ...] = (*ASKED, PAUSED)
RESUMED = c.RunResumed(run_id="r1", attempt=1 + NEXT_ATTEMPT)
GRANTED = c.ToolApprovalGranted(**OF)
DENIED = c.ToolApprovalDenied(**OF, reason="Too risky.")
ENDED_RUN = c.RunCancelled(run_id="r1")

PAUSE = PauseRun(run_id="r1", attempt=1, last_seq=7)
GRANT = DecideCall(**OF, is_granted=True)
DENY = DecideCall(**OF, is_granted=False, reason="Too risky.")
STOP = StopWaiting(run_id="r1")


def denied(reason: str) -> Event:
    return c.ToolApprovalDenied(**OF, reason=reason)


def test_response_asks_for_the_calls_that_need_it() -> None:
    asked = call("c1", needs_approval=True)
    decided = given(*AT_WORK).when(respond(calls=(asked,))).decide()
    assert decided[-1] == c.ToolApprovalRequested(**OF)


@pytest.mark.parametrize(
    "command",
    [
        CompleteTool(**OF, attempt=1, output="done"),
        LoseTool(**OF, attempt=1, reason="gone"),
    ],
    ids=["complete", "lose"],
)
def test_call_does_not_act_before_it_is_approved(command: Any) -> None:
    given(*ASKED).when(command).refuses(Rejected, code="not_approved")
    assert given(*ASKED, GRANTED).when(command).decide()


def test_call_may_fail_before_it_is_approved() -> None:
    refused = FailTool(**OF, attempt=1, error="There is no tool called fly.")
    assert given(*ASKED).when(refused).decide()


def test_run_pauses_when_only_decisions_are_missing() -> None:
    given(*ASKED).when(PAUSE).then(PAUSED)


def test_run_with_something_left_to_do_does_not_pause() -> None:
    given(*AT_WORK).when(PAUSE).then()
    given(*ASKED, GRANTED).when(PAUSE).then()
    given(*ASKED, denied("")).when(PAUSE).then()
    given(*ASKED, called("c2")).when(PAUSE).then()


def test_run_that_is_to_make_way_does_not_pause() -> None:
    asked_to = c.RunInterruptRequested(run_id="r1", by_run_id="r2")
    given(*ASKED, asked_to).when(PAUSE).refuses(Rejected, code="run_interrupted")


def test_older_attempt_does_not_pause_a_run() -> None:
    resumed = c.RunResumed(run_id="r1", attempt=2)
    given(*ASKED, resumed).when(PAUSE).refuses(StaleAttempt)
    given(*WAITING).when(PAUSE).refuses(StaleAttempt)


@pytest.mark.parametrize(
    "command",
    [
        respond(),
        FailTool(**OF, attempt=1, error="no"),
        CompleteRun(run_id="r1", attempt=1, usage=USAGE),
        CancelRun(run_id="r1", attempt=1, usage=USAGE),
        FailRun(run_id="r1", attempt=1, code="x", message="X.", can_retry=True, usage=USAGE),
    ],
    ids=["respond", "fail_tool", "complete", "cancel", "fail"],
)
def test_worker_that_paused_a_run_records_nothing_more(command: Any) -> None:
    given(*WAITING).when(command).refuses(StaleAttempt)


@pytest.mark.parametrize(("command", "event"), [(GRANT, GRANTED), (DENY, DENIED)])
def test_decision_resumes_a_paused_run(command: DecideCall, event: Event) -> None:
    given(*WAITING).when(command).then(event, RESUMED)


@pytest.mark.parametrize(("command", "event"), [(GRANT, GRANTED), (DENY, DENIED)])
def test_decision_about_a_run_at_work_leaves_it_to_its_worker(
    command: DecideCall, event: Event
) -> None:
    given(*ASKED).when(command).then(event)


@pytest.mark.parametrize("after", [(), (RESUMED,), (RESUMED, ENDED_RUN)])
def test_same_decision_again_changes_nothing(after: tuple[Event, ...]) -> None:
    given(*WAITING, GRANTED, *after).when(GRANT).then()
    given(*WAITING, DENIED, *after).when(DENY).then()


@pytest.mark.parametrize("after", [(), (RESUMED,), (RESUMED, ENDED_RUN)])
def test_opposite_decision_is_told_what_was_decided(after: tuple[Event, ...]) -> None:
    given(*WAITING, GRANTED, *after).when(DENY).refuses(
        Rejected, code="already_approved", match="approved before"
    )
    given(*WAITING, DENIED, *after).when(GRANT).refuses(
        Rejected, code="already_denied", match="denied before"
    )


def test_decision_needs_a_call_that_waits() -> None:
    given(*AT_WORK, responded(), called()).when(GRANT).refuses(NotFound)
    given(*WAITING).when(DecideCall(run_id="r1", call_id="c9", is_granted=True)).refuses(NotFound)
    given(*WAITING).when(DecideCall(run_id="r9", call_id="c1", is_granted=True)).refuses(NotFound)


@pytest.mark.parametrize("reason", ["x" * (REASON_CHARACTERS + 1), "a\x00b"], ids=["long", "nul"])
def test_reason_is_short_storable_text(reason: str) -> None:
    given(*WAITING).when(DecideCall(**OF, is_granted=False, reason=reason)).refuses(InvalidCommand)


def test_stop_cancels_a_paused_run_and_leaves_any_other_to_its_worker() -> None:
    given(*WAITING).when(STOP).then(denied(STOPPED), ENDED_RUN)
    given(*ASKED).when(STOP).then()
    given(*WAITING, denied(STOPPED), ENDED_RUN).when(STOP).then()


def test_nobody_else_closes_a_paused_run() -> None:
    interrupt = InterruptRun(run_id="r1", reason="gone")
    given(*WAITING).when(interrupt).refuses(Rejected, code="run_waiting")
    closed = given(*WAITING, RESUMED).when(interrupt).decide()
    assert closed == [denied(ENDED), c.RunInterrupted(run_id="r1", reason="gone")]


def test_end_of_a_run_at_work_denies_what_was_not_decided() -> None:
    cancelled = given(*ASKED).when(CancelRun(run_id="r1", attempt=1, usage=USAGE)).decide()
    assert cancelled[0] == denied(STOPPED)
    failing = FailRun(run_id="r1", attempt=1, code="x", message="X.", can_retry=True, usage=USAGE)
    assert given(*ASKED).when(failing).decide()[0] == denied(ENDED)


@pytest.mark.parametrize("policy", ["enqueue", "interrupt"])
def test_message_supersedes_a_paused_run(policy: str) -> None:
    decided = given(*WAITING).when(post("m2", "r2", policy=policy)).decide()
    assert decided[:2] == [denied(SUPERSEDED), ENDED_RUN]
    assert [event.topic for event in decided[2:]] == [
        "conversation.user_message_posted",
        "conversation.run_requested",
    ]


def test_message_that_would_rather_be_refused_is() -> None:
    given(*WAITING).when(post("m2", "r2", policy="reject")).refuses(
        Rejected, code="run_unfinished", match="waits for your approval"
    )


def test_message_to_a_run_at_work_waits_although_a_call_of_it_does() -> None:
    decided = given(*ASKED).when(post("m2", "r2")).decide()
    assert [event.topic.partition(".")[2] for event in decided] == [
        "user_message_posted",
        "run_requested",
    ]


def test_retry_names_what_is_in_its_way() -> None:
    given(*WAITING).when(RetryAfter(message_id="m1", run_id="r2", branch_id="b")).refuses(
        Rejected, code="run_unfinished", match="waits for your approval"
    )


def test_takeover_of_a_paused_run_that_was_asked_to_stop_resumes_it() -> None:
    given(*WAITING).when(ResumeRun(run_id="r1", attempt=2)).then(
        c.RunResumed(run_id="r1", attempt=2)
    )
