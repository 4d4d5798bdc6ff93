"""What the conversation decider remembers, and how events change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from commands.branches import Branches
from commands.titles import first_words
from events import conversation as c
from events.event import Event
from events.history import HistorySummarized
from events.sessions import SessionItemRemoved

#: Runs in one of these states are over.
ENDED = frozenset({"completed", "failed", "cancelled", "interrupted"})
#: Items that the user answers, while their status is `pending`.
ANSWERABLE_KINDS = ("client_tool_call", "structured_input")
GRANTED, DENIED = "granted", "denied"
_EMPTY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Run:
    run_id: str
    message_id: str
    #: requested | running | waiting
    status: str = "requested"
    attempt: int = 1
    #: The last frame of the answer when the run paused; 0 while it never did.
    last_seq: int = 0
    #: The attempt that began the run, or that the last decision of the user gave it.
    first_attempt: int = 1
    #: Call id to requested | running | begun | done.
    calls: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    #: Call id to the tool's name.
    names: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    responses: int = 0
    #: The run it was asked to make way for.
    interrupted_by_run_id: str | None = None

    @property
    def awaited(self) -> list[str]:
        """The calls that wait for the user's approval."""
        return [call_id for call_id, status in self.calls.items() if status == "requested"]


@dataclass(frozen=True, slots=True)
class Summary:
    #: The stream version of its event.
    version: int
    through_version: int
    through_message_id: str


@dataclass(frozen=True, slots=True)
class ConversationState:
    #: none | active | deleted
    status: str = "none"
    title: str = ""
    #: By its user or by the model; else it is called by its first words.
    is_named: bool = False
    #: Unfinished runs in the order they were requested.
    runs: Mapping[str, Run] = field(default_factory=lambda: MappingProxyType({}))
    branches: Branches = field(default_factory=Branches)
    #: User messages of all branches, with the stream version each was posted at.
    messages: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    #: On the active branch.
    last_message_id: str | None = None
    #: Items that wait for the user, with the stream version each was first put at.
    pending_items: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    #: Of all branches, oldest first.
    summaries: tuple[Summary, ...] = ()
    #: Run and call id to granted | denied, for good: the same decision may come again later.
    decisions: Mapping[tuple[str, str], str] = field(default_factory=lambda: MappingProxyType({}))
    #: Version and place of each.
    removed_session_items: frozenset[tuple[int, int]] = frozenset()

    @property
    def summary(self) -> Summary | None:
        """The newest that is true of the active branch."""
        newest_first = reversed(self.summaries)
        return next((s for s in newest_first if self.branches.is_current(s.through_version)), None)

    def run(self, run_id: str) -> Run | None:
        return self.runs.get(run_id)

    def is_pending(self, item_id: str) -> bool:
        """Whether an item of the active branch waits for the user."""
        version = self.pending_items.get(item_id)
        return version is not None and self.branches.is_current(version)


def earlier_runs(state: ConversationState, run_id: str) -> list[Run]:
    """The unfinished runs that were requested before one; none when that one is over itself."""
    ids = list(state.runs)
    return [state.runs[i] for i in ids[: ids.index(run_id)]] if run_id in ids else []


def evolve(state: ConversationState, event: Event, version: int) -> ConversationState:
    match event:
        case c.Started():
            return replace(state, status="active", title=event.title, is_named=bool(event.title))
        case c.Renamed():
            return replace(state, title=event.title, is_named=True)
        case c.Deleted():
            return ConversationState(status="deleted")
        case c.UserMessagePosted():
            return _post(state, event, version)
        case c.ThreadItemPut():
            return _put(state, event.item, version)
        case c.ThreadItemRemoved():
            return replace(state, pending_items=_without(state.pending_items, event.item_id))
        case c.BranchForked():
            message_version = state.messages.get(event.message_id, 0)
            return _on_branch(state, state.branches.forked(event, message_version, version))
        case c.BranchSwitched():
            return _on_branch(state, state.branches.switched(event.branch_id, version))
        case HistorySummarized():
            summary = Summary(version, event.through_version, event.through_message_id)
            return replace(state, summaries=(*state.summaries, summary))
        case SessionItemRemoved():
            removed = state.removed_session_items | {(event.version, event.place)}
            return replace(state, removed_session_items=removed)
        case c.RunRequested():
            run = Run(event.run_id, event.message_id)
            return replace(state, runs={**state.runs, event.run_id: run})
        case c.RunCompleted() | c.RunFailed() | c.RunCancelled() | c.RunInterrupted():
            runs = {run_id: run for run_id, run in state.runs.items() if run_id != event.run_id}
            return replace(state, runs=runs)
        case c.ToolApprovalGranted(run_id=run_id, call_id=call_id):
            return _evolve_run(_decided(state, (run_id, call_id), GRANTED), event)
        case c.ToolApprovalDenied(run_id=run_id, call_id=call_id):
            return _evolve_run(_decided(state, (run_id, call_id), DENIED), event)
        case _:
            return _evolve_run(state, event)


def _post(state: ConversationState, posted: c.UserMessagePosted, version: int) -> ConversationState:
    is_first_words = not state.messages and state.title == first_words(posted.text)
    return replace(
        state,
        messages={**state.messages, posted.message_id: version},
        last_message_id=posted.message_id,
        is_named=state.is_named and not is_first_words,
    )


def _evolve_run(state: ConversationState, event: Event) -> ConversationState:
    run = state.runs.get(getattr(event, "run_id", ""))
    if run is None:
        return state
    match event:
        case c.RunStarted():
            run = replace(run, status="running", attempt=max(run.attempt, event.attempt))
        case c.RunInterruptRequested():
            run = replace(run, interrupted_by_run_id=event.by_run_id)
        case c.RunResumed():
            first = event.attempt if run.status == "waiting" else run.first_attempt
            run = replace(run, status="running", attempt=event.attempt, first_attempt=first)
        case c.RunPaused():
            run = replace(run, status="waiting", last_seq=event.last_seq)
        case c.ModelResponded():
            run = replace(run, responses=run.responses + 1)
        case c.ToolCalled():
            names = {**run.names, event.call_id: event.name}
            run = replace(run, calls={**run.calls, event.call_id: "running"}, names=names)
        case c.ToolApprovalGranted():
            run = replace(run, calls={**run.calls, event.call_id: "running"})
        case c.ToolBegun():
            run = replace(run, calls={**run.calls, event.call_id: "begun"})
        case c.ToolApprovalRequested():
            run = replace(run, calls={**run.calls, event.call_id: "requested"})
        case c.ToolCompleted() | c.ToolFailed() | c.ToolOutcomeUnknown() | c.ToolApprovalDenied():
            run = replace(run, calls={**run.calls, event.call_id: "done"})
        case _:
            return state
    return replace(state, runs={**state.runs, run.run_id: run})


def _decided(state: ConversationState, call: tuple[str, str], decision: str) -> ConversationState:
    return replace(state, decisions={call: decision, **state.decisions})


def _put(state: ConversationState, item: dict[str, Any], version: int) -> ConversationState:
    item_id = str(item.get("id"))
    if item.get("type") not in ANSWERABLE_KINDS or item.get("status") != "pending":
        return replace(state, pending_items=_without(state.pending_items, item_id))
    return replace(state, pending_items={item_id: version, **state.pending_items})


def _without(items: Mapping[str, int], item_id: str) -> Mapping[str, int]:
    return {i: version for i, version in items.items() if i != item_id}


def _on_branch(state: ConversationState, branches: Branches) -> ConversationState:
    newest_first = reversed(list(state.messages.items()))
    current = (m for m, version in newest_first if branches.is_current(version))
    return replace(state, branches=branches, last_message_id=next(current, None))
