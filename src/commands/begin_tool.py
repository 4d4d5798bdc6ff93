"""The command that comes before a server of others is asked: from then on a call may have acted."""

from __future__ import annotations

from dataclasses import dataclass

from commands.conversation_state import ConversationState
from commands.errors import NotFound, Rejected, StaleAttempt
from commands.run import OfRun
from events import conversation as c
from events.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginTool(OfRun):
    call_id: str


def begin_tool(command: BeginTool, state: ConversationState) -> list[Event]:
    run = state.run(command.run_id)
    if run is None:
        raise Rejected("run_ended", "The run is over, or never was.")
    if command.attempt != run.attempt:
        raise StaleAttempt(run.run_id, command.attempt, run.attempt)
    status = run.calls.get(command.call_id)
    if status is None:
        raise NotFound(f"Run {run.run_id} has no tool call {command.call_id}.")
    if status != "running":
        raise Rejected("call_begun", "The tool call is not one that waits to be carried out.")
    begun = c.ToolBegun(run_id=run.run_id, attempt=run.attempt, call_id=command.call_id)
    return [begun]
