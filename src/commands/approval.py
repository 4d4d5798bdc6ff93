"""The approval's part of the conversation decider: a call that waits for the user's consent.

A run whose calls wait is paused: nobody works on it, and it has no lease. The decision that ends
the wait resumes it in the same append, so whoever writes that append has the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from commands.conversation_state import DENIED, GRANTED, ConversationState, Run
from commands.errors import InvalidCommand, NotFound, Rejected, StaleAttempt
from events import conversation as c
from events.event import Event
from events.storable import is_storable

REASON_CHARACTERS = 500
#: The takeover of a lease that was about to go may hold the next number, so the one after is taken.
NEXT_ATTEMPT = 2
STOPPED = "The run was stopped before the user decided."
SUPERSEDED = "The user wrote on instead of deciding."
ENDED = "The run ended before the user decided."

_SAID = {GRANTED: "approved", DENIED: "denied"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRun:
    """The worker has nothing left to do before the user decides; no event when they just have."""

    run_id: str
    attempt: int
    last_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideCall:
    """The first decision counts; the same one again comes to no event."""

    run_id: str
    call_id: str
    is_granted: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopWaiting:
    """Cancels a run that is paused; any other run has a worker to stop."""

    run_id: str


ApprovalCommand = PauseRun | DecideCall | StopWaiting


def decide(command: ApprovalCommand, state: ConversationState) -> list[Event]:
    match command:
        case PauseRun():
            return _pause(command, state.run(command.run_id))
        case DecideCall():
            return _decide_call(command, state)
        case StopWaiting():
            run = state.run(command.run_id)
            return cancelled(run, STOPPED) if run and run.status == "waiting" else []
        case _:
            assert_never(command)


def cancelled(run: Run, reason: str) -> list[Event]:
    """What ends a paused run without a worker."""
    return [*denials(run, reason), c.RunCancelled(run_id=run.run_id)]


def denials(run: Run, reason: str) -> list[Event]:
    """A call that was never approved is denied when its run ends, so that the model knows."""
    return [
        c.ToolApprovalDenied(run_id=run.run_id, call_id=call_id, reason=reason)
        for call_id in run.awaited
    ]


def check_open(run: Run, call_id: str) -> None:
    """Raises NotFound and Rejected unless the call still has no result."""
    status = run.calls.get(call_id)
    if status is None:
        raise NotFound(f"Run {run.run_id} has no tool call {call_id}.")
    if status == "done":
        raise Rejected("call_answered", "The tool call already has a result.")


def check_allowed(run: Run, call_id: str) -> None:
    """For what may have acted; a call that waits for approval may only be refused."""
    check_open(run, call_id)
    if run.calls[call_id] == "requested":
        raise Rejected("not_approved", "The tool call waits for the user's approval.")


def _pause(command: PauseRun, run: Run | None) -> list[Event]:
    if run is None:
        raise Rejected("run_ended", "The run is over, or never was.")
    if command.attempt != run.attempt or run.status == "waiting":
        raise StaleAttempt(run.run_id, command.attempt, run.attempt)
    if run.interrupted_by_run_id is not None:
        raise Rejected("run_interrupted", "The run was asked to make way, and does not wait.")
    if not run.awaited or not {"running", "begun"}.isdisjoint(run.calls.values()):
        return []
    return [
        c.RunPaused(run_id=run.run_id, attempt=command.attempt, last_seq=command.last_seq),
    ]


def _decide_call(command: DecideCall, state: ConversationState) -> list[Event]:
    if len(command.reason) > REASON_CHARACTERS or not is_storable(command.reason):
        raise InvalidCommand(f"A reason is text of at most {REASON_CHARACTERS} characters.")
    known = state.decisions.get((command.run_id, command.call_id))
    if known is not None:
        return _repeat(command, known)
    run = state.run(command.run_id)
    if run is None or command.call_id not in run.awaited:
        raise NotFound("There is no such tool call that waits for approval.")
    decided = _decision(command)
    if run.status != "waiting":
        return [decided]
    return [decided, c.RunResumed(run_id=run.run_id, attempt=run.attempt + NEXT_ATTEMPT)]


def _repeat(command: DecideCall, known: str) -> list[Event]:
    if command.is_granted != (known == GRANTED):
        raise Rejected(f"already_{_SAID[known]}", f"This call was {_SAID[known]} before.")
    return []


def _decision(command: DecideCall) -> Event:
    if command.is_granted:
        return c.ToolApprovalGranted(run_id=command.run_id, call_id=command.call_id)
    return c.ToolApprovalDenied(
        run_id=command.run_id, call_id=command.call_id, reason=command.reason
    )
