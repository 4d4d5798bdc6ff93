"""Forking a conversation and going from one branch to another; nothing is ever deleted."""

from __future__ import annotations

from dataclasses import dataclass

from commands.approval import SUPERSEDED, cancelled
from commands.conversation_state import ConversationState
from commands.errors import NotFound, Rejected
from events import conversation as c
from events.event import Event

#: Of a conversation, the one it begins with among them.
BRANCHES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAfter:
    """Answers a user message again, on a new branch."""

    message_id: str
    run_id: str
    branch_id: str
    #: What to do while another run is unfinished: interrupt it, else (enqueue | reject) refuse.
    policy: str = "enqueue"


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchBranch:
    """Makes another branch the active one: the one named, or else of those that hold what was
    recorded at a stream version the one that was active last."""

    branch_id: str | None = None
    version: int = 0


def retry(command: RetryAfter, state: ConversationState) -> list[Event]:
    fork = forked(command.branch_id, command.message_id, "after", state)
    interrupted = make_way(command.policy, command.run_id, state)
    requested = c.RunRequested(
        run_id=command.run_id, message_id=command.message_id, trigger="retry"
    )
    return [*interrupted, fork, requested]


def switch(command: SwitchBranch, state: ConversationState) -> list[Event]:
    branch_id = command.branch_id or state.branches.latest_with(command.version)
    return switched(branch_id, "reject", state)


def switched(branch_id: str, policy: str, state: ConversationState) -> list[Event]:
    active_id = state.branches.active_id
    if not state.branches.knows(branch_id):
        raise NotFound("There is no such branch in this conversation.")
    if branch_id == active_id:
        return []
    if policy != "interrupt":
        check_quiet(state)
    return [c.BranchSwitched(branch_id=branch_id, from_branch_id=active_id)]


def forked(branch_id: str, message_id: str, side: str, state: ConversationState) -> Event:
    version = state.messages.get(message_id)
    if version is None:
        raise NotFound("There is no such user message in this conversation.")
    if state.branches.knows(branch_id):
        raise Rejected("branch_exists", "A branch with this id already exists.")
    if len(state.branches.forks) >= BRANCHES - 1:
        raise Rejected("too_many_branches", f"A conversation has at most {BRANCHES} branches.")
    parent_id = state.branches.branch_at(version)
    return c.BranchForked(
        branch_id=branch_id, parent_id=parent_id, message_id=message_id, side=side
    )


def make_way(policy: str, run_id: str, state: ConversationState) -> list[Event]:
    """A branch is not left while a run works on it, unless that shall be interrupted."""
    if policy != "interrupt":
        check_quiet(state)
    return interruptions(run_id, state)


def interruptions(by_run_id: str, state: ConversationState) -> list[Event]:
    """Every unfinished run makes way: whoever interrupts wants the next answer at once."""
    asked = [
        c.RunInterruptRequested(run_id=run.run_id, by_run_id=by_run_id)
        for run in state.runs.values()
        if run.interrupted_by_run_id is None and run.status != "waiting"
    ]
    return [*superseded(state), *asked]


def superseded(state: ConversationState) -> list[Event]:
    """Runs that wait for a decision end here: writing on instead is one."""
    waiting = [run for run in state.runs.values() if run.status == "waiting"]
    return [event for run in waiting for event in cancelled(run, SUPERSEDED)]


def check_quiet(state: ConversationState) -> None:
    if state.runs:
        raise Rejected("run_unfinished", how_to_end(state))


def how_to_end(state: ConversationState) -> str:
    """What a user may do about the runs that are in the way."""
    if any(run.status == "waiting" for run in state.runs.values()):
        return "A tool call waits for your approval: approve or deny it, or stop the reply, first."
    return "A reply is still being written: wait or stop it first."
