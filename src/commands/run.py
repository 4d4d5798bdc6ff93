"""The run's part of the conversation decider: what the agent runner may record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, assert_never

from commands.approval import ENDED, STOPPED, check_allowed, check_open, denials
from commands.conversation_state import ConversationState, Run
from commands.errors import Rejected, StaleAttempt
from commands.lost_calls import lost_calls
from events import conversation as c
from events.event import Event

SUPERSEDED_REASON = "A newer message took the place of this reply."


@dataclass(frozen=True, slots=True, kw_only=True)
class OfRun:
    run_id: str
    #: The worker's; a command of an older attempt is refused.
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRun(OfRun):
    model: str
    context_event_ids: tuple[str, ...]
    context_hash: str
    context_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRun:
    """A takeover: `attempt` is the new one."""

    run_id: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    call_id: str
    provider_call_id: str
    name: str
    arguments: str
    needs_approval: bool = False
    #: What the user recognises a call by that needs approval.
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    message_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordResponse(OfRun):
    """All of one model response, stored before any of its tools starts."""

    response_id: str
    items: tuple[dict[str, Any], ...]
    usage: c.Usage
    model: str
    adjusted: tuple[str, ...]
    replies: tuple[Reply, ...]
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteTool(OfRun):
    call_id: str
    output: str
    adjusted: tuple[str, ...] = ()
    #: ChatKit thread items that come with the result.
    put: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailTool(OfRun):
    call_id: str
    error: str
    adjusted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseTool(OfRun):
    """The tool was asked, and nobody can tell whether it acted."""

    call_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteRun(OfRun):
    usage: c.Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class FailRun(OfRun):
    code: str
    message: str
    can_retry: bool
    usage: c.Usage
    partial: Reply | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRun(OfRun):
    usage: c.Usage
    partial: Reply | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptRun:
    """Closes a run that nobody works on and nobody may resume."""

    run_id: str
    reason: str
    partial: Reply | None = None


RunCommand = (
    StartRun
    | ResumeRun
    | RecordResponse
    | CompleteTool
    | FailTool
    | LoseTool
    | CompleteRun
    | FailRun
    | CancelRun
    | InterruptRun
)


def decide(command: RunCommand, state: ConversationState) -> list[Event]:
    run = state.run(command.run_id)
    if run is None:
        raise Rejected("run_ended", "The run is over, or never was.")
    match command:
        case ResumeRun():
            return _resume(command, run)
        case InterruptRun():
            return _interrupt(command, run)
        case _:
            if command.attempt != run.attempt or run.status == "waiting":
                raise StaleAttempt(run.run_id, command.attempt, run.attempt)
            return _record(command, run)


def _record(
    command: StartRun
    | RecordResponse
    | CompleteTool
    | FailTool
    | LoseTool
    | CompleteRun
    | FailRun
    | CancelRun,
    run: Run,
) -> list[Event]:
    match command:
        case StartRun():
            return [_started(command)]
        case RecordResponse():
            return _respond(command, run)
        case CompleteTool():
            check_allowed(run, command.call_id)
            return [
                c.ToolCompleted(
                    run_id=run.run_id,
                    call_id=command.call_id,
                    output=command.output,
                    adjusted=command.adjusted,
                ),
                *(c.ThreadItemPut(item=item) for item in command.put),
            ]
        case FailTool():
            check_open(run, command.call_id)
            return [
                c.ToolFailed(
                    run_id=run.run_id,
                    call_id=command.call_id,
                    error=command.error,
                    adjusted=command.adjusted,
                )
            ]
        case LoseTool():
            check_allowed(run, command.call_id)
            return [
                c.ToolOutcomeUnknown(
                    run_id=run.run_id, call_id=command.call_id, reason=command.reason
                )
            ]
        case _:
            return _end(command, run)


def _end(command: CompleteRun | FailRun | CancelRun, run: Run) -> list[Event]:
    match command:
        case CompleteRun():
            if any(status != "done" for status in run.calls.values()):
                raise Rejected("tools_open", "A run cannot complete while a tool call is open.")
            return [c.RunCompleted(run_id=run.run_id, usage=command.usage)]
        case FailRun():
            failed = c.RunFailed(
                run_id=run.run_id,
                code=command.code,
                message=command.message,
                can_retry=command.can_retry,
                usage=command.usage,
            )
            return [*_left(run, command.partial, ENDED), failed]
        case CancelRun():
            return [*_left(run, command.partial, STOPPED), _stopped(command, run)]
        case _:
            assert_never(command)


def _stopped(command: CancelRun, run: Run) -> Event:
    """Stopped by its user, or for a newer message of theirs."""
    if run.interrupted_by_run_id is not None:
        return c.RunInterrupted(run_id=run.run_id, reason=SUPERSEDED_REASON)
    return c.RunCancelled(run_id=run.run_id, usage=command.usage)


def _interrupt(command: InterruptRun, run: Run) -> list[Event]:
    if run.status == "waiting":
        raise Rejected("run_waiting", "The run waits for the user, and for nobody else.")
    ended = c.RunInterrupted(run_id=run.run_id, reason=command.reason)
    return [*_left(run, command.partial, ENDED), ended]


def _started(command: StartRun) -> Event:
    return c.RunStarted(
        run_id=command.run_id,
        attempt=command.attempt,
        model=command.model,
        context_event_ids=command.context_event_ids,
        context_hash=command.context_hash,
        context_tokens=command.context_tokens,
    )


def _resume(command: ResumeRun, run: Run) -> list[Event]:
    if command.attempt <= run.attempt:
        raise StaleAttempt(run.run_id, command.attempt, run.attempt)
    return [c.RunResumed(run_id=run.run_id, attempt=command.attempt)]


def _respond(command: RecordResponse, run: Run) -> list[Event]:
    call_ids = [*run.calls, *(call.call_id for call in command.calls)]
    if len(call_ids) != len(set(call_ids)):
        raise Rejected("call_exists", "A tool call with this id was already recorded.")
    responded = c.ModelResponded(
        run_id=command.run_id,
        attempt=command.attempt,
        response_id=command.response_id,
        items=command.items,
        usage=command.usage,
        model=command.model,
        adjusted=command.adjusted,
    )
    replies = [
        c.AssistantMessagePosted(
            run_id=command.run_id, message_id=reply.message_id, text=reply.text
        )
        for reply in command.replies
    ]
    return [responded, *replies, *(e for call in command.calls for e in _call(command, call))]


def _call(command: RecordResponse, call: Call) -> list[Event]:
    called = c.ToolCalled(
        run_id=command.run_id,
        attempt=command.attempt,
        call_id=call.call_id,
        provider_call_id=call.provider_call_id,
        name=call.name,
        arguments=call.arguments,
    )
    if not call.needs_approval:
        return [called]
    asked = c.ToolApprovalRequested(
        run_id=command.run_id, call_id=call.call_id, subject=call.subject
    )
    return [called, asked]


def _left(run: Run, reply: Reply | None, reason: str) -> list[Event]:
    """What is said of the calls and the text that a run leaves unfinished."""
    left = [*lost_calls(run), *denials(run, reason)]
    if reply is None or not reply.text:
        return left
    partial = c.AssistantMessagePosted(
        run_id=run.run_id, message_id=reply.message_id, text=reply.text, is_partial=True
    )
    return [*left, partial]
