from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from commands.begin_tool import BeginTool
from commands.errors import NotFound, Rejected, StaleAttempt
from commands.lost_calls import LOST_REASON
from commands.run import (
    CancelRun,
    CompleteRun,
    CompleteTool,
    FailRun,
    FailTool,
    InterruptRun,
    LoseTool,
    Reply,
    ResumeRun,
    StartRun,
)
from events import conversation as c
from events.event import Event

from .conversations import (
    ANSWERED,
    AT_WORK,
    CALLING,
    STARTED,
    USAGE,
    asked,
    call,
    called,
    completed_call,
    respond,
    responded,
    run_started,
)
from .scenario import given

START = StartRun(
    run_id="r1",
    attempt=1,
    model="offline",
    context_event_ids=("e1",),
    context_hash="00",
    context_tokens=7,
)
PARTIAL = Reply(message_id="a1", text="Half a")
COMPLETE = CompleteRun(run_id="r1", attempt=1, usage=USAGE)
CANCEL = CancelRun(run_id="r1", attempt=1, usage=USAGE)
FAIL = FailRun(
    run_id="r1",
    attempt=1,
    code="model_timeout",
    message="The model did not answer in time.",
    can_retry=True,
    usage=USAGE,
)
FAILED = c.RunFailed(
    run_id="r1", code="model_timeout", message="The model did not answer in time.", usage=USAGE
)
INTERRUPT = InterruptRun(run_id="r1", reason="Nobody worked on it for ten minutes.")
ANSWER = CompleteTool(run_id="r1", attempt=1, call_id="c1", output="done", adjusted=("cut",))
FAIL_TOOL = FailTool(run_id="r1", attempt=1, call_id="c1", error="no such task")
LOSE_TOOL = LoseTool(run_id="r1", attempt=1, call_id="c1", reason="the server went away")

OF_ATTEMPT = [START, respond(), ANSWER, FAIL_TOOL, LOSE_TOOL, COMPLETE, FAIL, CANCEL]
ENDINGS = [
    c.RunCompleted(run_id="r1"),
    FAILED,
    c.RunCancelled(run_id="r1"),
    c.RunInterrupted(run_id="r1", reason="gone"),
]


def name_of(value: Any) -> str:
    return type(value).__name__


def test_start_records_the_context_it_was_given() -> None:
    given(STARTED, *asked()).when(START).then(run_started())


def test_resume_takes_the_run_over() -> None:
    resumed = c.RunResumed(run_id="r1", attempt=2)
    given(*AT_WORK).when(ResumeRun(run_id="r1", attempt=2)).then(resumed)
    given(*AT_WORK, resumed).when(replace(START, attempt=2)).then(run_started(attempt=2))


@pytest.mark.parametrize("attempt", [0, 1, 2])
def test_resume_with_an_attempt_that_is_not_newer_is_refused(attempt: int) -> None:
    history = (*AT_WORK, c.RunResumed(run_id="r1", attempt=2))
    command = ResumeRun(run_id="r1", attempt=attempt)
    given(*history).when(command).refuses(StaleAttempt, match="superseded by attempt 2")


@pytest.mark.parametrize("command", OF_ATTEMPT, ids=name_of)
@pytest.mark.parametrize("history", [AT_WORK, CALLING], ids=["at work", "calling"])
def test_command_of_an_older_attempt_is_refused(command: Any, history: tuple[Event, ...]) -> None:
    resumed = c.RunResumed(run_id="r1", attempt=2)
    given(*history, resumed).when(command).refuses(StaleAttempt)


@pytest.mark.parametrize("command", OF_ATTEMPT, ids=name_of)
def test_command_of_an_attempt_that_never_began_is_refused(command: Any) -> None:
    given(*CALLING).when(replace(command, attempt=2)).refuses(StaleAttempt)


@pytest.mark.parametrize("command", [*OF_ATTEMPT, INTERRUPT], ids=name_of)
@pytest.mark.parametrize("ending", ENDINGS, ids=name_of)
def test_command_for_a_run_that_is_over_is_refused(command: Any, ending: Event) -> None:
    given(*CALLING, ending).when(command).refuses(Rejected, code="run_ended")


@pytest.mark.parametrize("command", [*OF_ATTEMPT, INTERRUPT], ids=name_of)
def test_command_for_a_run_that_never_was_is_refused(command: Any) -> None:
    unknown = replace(command, run_id="r7")
    given(*AT_WORK).when(unknown).refuses(Rejected, code="run_ended")


@pytest.mark.parametrize("command", [*OF_ATTEMPT, INTERRUPT], ids=name_of)
def test_command_for_a_run_of_a_deleted_conversation_is_refused(command: Any) -> None:
    given(*ANSWERED, c.Deleted()).when(command).refuses(NotFound)


def test_response_is_stored_with_its_replies_and_calls_in_one_append() -> None:
    command = respond(
        replies=(Reply(message_id="a1", text="I will."),), calls=(call("c1"), call("c2"))
    )
    given(*AT_WORK).when(command).then(
        responded(),
        c.AssistantMessagePosted(run_id="r1", message_id="a1", text="I will."),
        called("c1"),
        called("c2"),
    )


def test_call_that_needs_approval_asks_for_it() -> None:
    given(*AT_WORK).when(respond(calls=(call("c1", needs_approval=True),))).then(
        responded(), called("c1"), c.ToolApprovalRequested(run_id="r1", call_id="c1")
    )


def test_response_that_repeats_a_call_is_refused() -> None:
    twice = respond(calls=(call("c1"), call("c1")))
    given(*AT_WORK).when(twice).refuses(Rejected, code="call_exists")
    again = respond(calls=(call("c1"),))
    given(*CALLING).when(again).refuses(Rejected, code="call_exists")
    given(*CALLING, completed_call()).when(again).refuses(Rejected, code="call_exists")


def test_tool_result_is_recorded() -> None:
    given(*CALLING).when(ANSWER).then(
        c.ToolCompleted(run_id="r1", call_id="c1", output="done", adjusted=("cut",))
    )
    given(*CALLING).when(FAIL_TOOL).then(
        c.ToolFailed(run_id="r1", call_id="c1", error="no such task")
    )
    given(*CALLING).when(LOSE_TOOL).then(
        c.ToolOutcomeUnknown(run_id="r1", call_id="c1", reason="the server went away")
    )


@pytest.mark.parametrize("command", [ANSWER, FAIL_TOOL, LOSE_TOOL], ids=name_of)
@pytest.mark.parametrize(
    "answer",
    [
        completed_call(),
        c.ToolFailed(run_id="r1", call_id="c1", error="no"),
        c.ToolOutcomeUnknown(run_id="r1", call_id="c1", reason="gone"),
        c.ToolApprovalDenied(run_id="r1", call_id="c1"),
    ],
    ids=name_of,
)
def test_second_result_of_a_call_is_refused(command: Any, answer: Event) -> None:
    given(*CALLING, answer).when(command).refuses(Rejected, code="call_answered")


@pytest.mark.parametrize("command", [ANSWER, FAIL_TOOL, LOSE_TOOL], ids=name_of)
def test_result_of_an_unknown_call_is_refused(command: Any) -> None:
    given(*CALLING).when(replace(command, call_id="c7")).refuses(NotFound, match="c7")


def test_call_survives_a_takeover_and_is_answered_once() -> None:
    history = (*CALLING, c.RunResumed(run_id="r1", attempt=2))
    answer = replace(ANSWER, attempt=2, adjusted=())
    given(*history).when(answer).then(completed_call())
    given(*history, completed_call()).when(answer).refuses(Rejected, code="call_answered")


def test_run_completes() -> None:
    given(*AT_WORK, responded()).when(COMPLETE).then(c.RunCompleted(run_id="r1", usage=USAGE))
    given(*CALLING, completed_call()).when(COMPLETE).then(c.RunCompleted(run_id="r1", usage=USAGE))


@pytest.mark.parametrize(
    "events",
    [
        (),
        (called("c2"), completed_call("c1")),
        (c.ToolApprovalRequested(run_id="r1", call_id="c1"),),
        (c.ToolApprovalGranted(run_id="r1", call_id="c1"),),
    ],
    ids=["called", "one of two", "approval requested", "approval granted"],
)
def test_run_does_not_complete_while_a_call_is_open(events: tuple[Event, ...]) -> None:
    given(*CALLING, *events).when(COMPLETE).refuses(Rejected, code="tools_open")


def test_run_fails_also_while_a_call_is_open() -> None:
    given(*CALLING).when(FAIL).then(LOST, FAILED)


def test_run_is_cancelled_and_interrupted_also_while_a_call_is_open() -> None:
    given(*CALLING).when(CANCEL).then(LOST, c.RunCancelled(run_id="r1", usage=USAGE))
    given(*CALLING).when(INTERRUPT).then(
        LOST, c.RunInterrupted(run_id="r1", reason="Nobody worked on it for ten minutes.")
    )


def test_run_is_interrupted_whatever_the_attempt() -> None:
    history = (*AT_WORK, c.RunResumed(run_id="r1", attempt=5))
    given(*history).when(INTERRUPT).then(
        c.RunInterrupted(run_id="r1", reason="Nobody worked on it for ten minutes.")
    )


@pytest.mark.parametrize("command", [FAIL, CANCEL, INTERRUPT], ids=name_of)
def test_what_was_written_of_a_reply_is_kept_when_the_run_ends(command: Any) -> None:
    history = given(*AT_WORK)
    ending = history.when(command).decide()
    partial = c.AssistantMessagePosted(run_id="r1", message_id="a1", text="Half a", is_partial=True)
    history.when(replace(command, partial=PARTIAL)).then(partial, *ending)
    empty = Reply(message_id="a1", text="")
    history.when(replace(command, partial=empty)).then(*ending)


def test_end_of_one_run_leaves_the_next_in_the_queue() -> None:
    history = (*AT_WORK, *asked("m2", "r2"), c.RunCompleted(run_id="r1"))
    given(*history).when(replace(START, run_id="r2")).then(run_started("r2"))
    given(*history).when(START).refuses(Rejected, code="run_ended")


BEGIN = BeginTool(run_id="r1", attempt=1, call_id="c1")
BEGUN = c.ToolBegun(run_id="r1", attempt=1, call_id="c1")
LOST = c.ToolOutcomeUnknown(run_id="r1", call_id="c1", reason=LOST_REASON)


def test_tool_of_others_is_begun_once() -> None:
    given(*CALLING).when(BEGIN).then(BEGUN)
    given(*CALLING, BEGUN).when(BEGIN).refuses(Rejected, code="call_begun")
    given(*CALLING, completed_call()).when(BEGIN).refuses(Rejected, code="call_begun")
    given(*CALLING).when(replace(BEGIN, call_id="c2")).refuses(NotFound)
    given(*ANSWERED).when(BEGIN).refuses(Rejected, code="run_ended")


def test_superseded_attempt_begins_no_tool() -> None:
    resumed = c.RunResumed(run_id="r1", attempt=2)
    given(*CALLING, resumed).when(BEGIN).refuses(StaleAttempt)
    given(*CALLING, resumed).when(replace(BEGIN, attempt=2)).then(replace_attempt(BEGUN, 2))


def replace_attempt(begun: c.ToolBegun, attempt: int) -> c.ToolBegun:
    return c.ToolBegun(run_id=begun.run_id, attempt=attempt, call_id=begun.call_id)


def test_begun_tool_has_a_result_like_any_other() -> None:
    result = CompleteTool(run_id="r1", attempt=1, call_id="c1", output="done")
    given(*CALLING, BEGUN).when(result).then(completed_call())


@pytest.mark.parametrize(
    ("command", "end"),
    [
        (CANCEL, c.RunCancelled(run_id="r1", usage=USAGE)),
        (FAIL, FAILED),
        (InterruptRun(run_id="r1", reason="late"), c.RunInterrupted(run_id="r1", reason="late")),
    ],
    ids=["cancel", "fail", "interrupt"],
)
def test_run_that_ends_in_a_begun_tool_says_that_its_outcome_is_unknown(
    command: Any, end: Event
) -> None:
    given(*CALLING, BEGUN).when(command).then(LOST, end)
