"""What holds after any sequence of commands, refused ones among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from commands.branching import RetryAfter
from commands.conversation import (
    CONVERSATION,
    QUEUED_RUNS,
    EditMessage,
    PostMessage,
    RequestRun,
    Start,
)
from commands.conversation_state import ConversationState
from commands.decider import Decider
from commands.errors import CommandError
from commands.task import TASK
from commands.user import USER
from events import conversation as c
from events.event import Event
from tests.unit.events.event_values import ANY_EVENT

from .commands import CONVERSATION_COMMANDS, CURRENT_ATTEMPT, OPEN_RUN, TASK_COMMANDS

ENDINGS = (c.RunCompleted, c.RunFailed, c.RunCancelled, c.RunInterrupted)
ANSWERS = (c.ToolCompleted, c.ToolFailed, c.ToolOutcomeUnknown, c.ToolApprovalDenied)

FIRST = [Start(), PostMessage(message_id="m0", run_id="", text="hello")]
LENGTHS = (0, 12)  # hypothesis draws lists little longer than they must be
HISTORIES = st.one_of(
    *(st.lists(CONVERSATION_COMMANDS, min_size=least, max_size=40) for least in LENGTHS)
).map(lambda rest: [*FIRST, *rest])


def run_all(decider: Decider[Any, Any], commands: Sequence[Any]) -> tuple[list[Event], Any]:
    """What the commands store one after the other, and the state they lead to."""
    log: list[Event] = []
    state = decider.initial_state()
    for number, command in enumerate(commands):
        command = aimed(command, state, f"r{number - len(FIRST) + 1}")
        try:
            events = decider.decide(command, state)
        except CommandError:
            continue
        assert decider.decide(command, state) == events
        state = decider.fold(state, events, len(log))
        log += events
    return log, state


def aimed(command: Any, state: Any, new_run_id: str) -> Any:
    """The ids that a caller would give: a new one for a new run, else those of the state."""
    if isinstance(command, PostMessage | RetryAfter | RequestRun):
        return replace(command, run_id=new_run_id)
    if isinstance(command, EditMessage):
        return replace(command, message=replace(command.message, run_id=new_run_id))
    if getattr(command, "run_id", None) == OPEN_RUN:
        command = replace(command, run_id=next(iter(state.runs), "r0"))
    if getattr(command, "attempt", None) == CURRENT_ATTEMPT:
        run = state.run(command.run_id)
        command = replace(command, attempt=run.attempt if run else 1)
    return command


def runs_of(log: Sequence[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for event in log:
        if (run_id := getattr(event, "run_id", None)) is not None:
            found.setdefault(run_id, []).append(event)
    return found


@given(HISTORIES)
@settings(max_examples=150, deadline=None)
def test_run_begins_and_ends_once_and_nothing_follows_its_end(commands: list[Any]) -> None:
    log, _ = run_all(CONVERSATION, commands)
    for events in runs_of(log).values():
        assert isinstance(events[0], c.RunRequested)
        assert sum(isinstance(event, c.RunRequested) for event in events) == 1
        assert not any(isinstance(event, ENDINGS) for event in events[:-1])


@given(HISTORIES)
@settings(max_examples=150, deadline=None)
def test_call_is_recorded_once_and_answered_at_most_once(commands: list[Any]) -> None:
    log, _ = run_all(CONVERSATION, commands)
    for events in runs_of(log).values():
        called = [event.call_id for event in events if isinstance(event, c.ToolCalled)]
        answered = [event.call_id for event in events if isinstance(event, ANSWERS)]
        assert len(called) == len(set(called))
        assert len(answered) == len(set(answered))
        assert set(answered) <= set(called)
        if isinstance(events[-1], c.RunCompleted):
            assert set(answered) == set(called)


@given(HISTORIES)
@settings(max_examples=150, deadline=None)
def test_call_that_needs_approval_acts_only_when_granted_and_is_decided_once(
    commands: list[Any],
) -> None:
    log, _ = run_all(CONVERSATION, commands)
    for events in runs_of(log).values():
        asked = {e.call_id for e in events if isinstance(e, c.ToolApprovalRequested)}
        decided: dict[str, Event] = {}
        for event in events:
            match event:
                case c.ToolApprovalGranted() | c.ToolApprovalDenied():
                    assert event.call_id in asked - decided.keys()
                    decided[event.call_id] = event
                case c.ToolCompleted() | c.ToolOutcomeUnknown() if event.call_id in asked:
                    assert isinstance(decided[event.call_id], c.ToolApprovalGranted)


@given(HISTORIES)
@settings(max_examples=150, deadline=None)
def test_attempts_of_a_run_never_go_back(commands: list[Any]) -> None:
    log, _ = run_all(CONVERSATION, commands)
    for events in runs_of(log).values():
        attempts = [event.attempt for event in events if hasattr(event, "attempt")]
        assert attempts == sorted(attempts)
        resumed = [event.attempt for event in events if isinstance(event, c.RunResumed)]
        assert all(attempt > 1 for attempt in resumed)
        assert len(resumed) == len(set(resumed))


@given(HISTORIES)
@settings(max_examples=150, deadline=None)
def test_state_holds_the_unfinished_runs_in_their_order(commands: list[Any]) -> None:
    log, state = run_all(CONVERSATION, commands)
    unfinished = [
        run_id for run_id, events in runs_of(log).items() if not isinstance(events[-1], ENDINGS)
    ]
    assert list(state.runs) == unfinished
    assert len(unfinished) <= QUEUED_RUNS


@given(HISTORIES)
@settings(max_examples=150, deadline=None)
def test_deleted_conversation_stays_deleted(commands: list[Any]) -> None:
    log, state = run_all(CONVERSATION, commands)
    assert not any(isinstance(event, c.Deleted) for event in log[:-1])
    assert sum(isinstance(event, c.Started) for event in log) == 1
    is_deleted = isinstance(log[-1], c.Deleted)
    assert state.status == ("deleted" if is_deleted else "active")
    if is_deleted:
        assert state == ConversationState(status="deleted")


@given(HISTORIES, st.data())
@settings(max_examples=150, deadline=None)
def test_folding_at_once_equals_folding_in_parts(commands: list[Any], data: st.DataObject) -> None:
    log, state = run_all(CONVERSATION, commands)
    cut = data.draw(st.integers(0, len(log)))
    earlier = CONVERSATION.fold(CONVERSATION.initial_state(), log[:cut])
    assert CONVERSATION.fold(earlier, log[cut:], cut) == state
    assert CONVERSATION.fold(CONVERSATION.initial_state(), log) == state


@given(st.lists(TASK_COMMANDS, max_size=25), st.integers(0, 25))
@settings(max_examples=150, deadline=None)
def test_task_folds_to_what_its_last_result_says(commands: list[Any], cut: int) -> None:
    log, state = run_all(TASK, commands)
    earlier = TASK.fold(TASK.initial_state(), log[:cut])
    assert TASK.fold(earlier, log[cut:], len(log[:cut])) == state
    results = [getattr(event, "result", {}) for event in log]
    assert [result["status"] for result in results[:-1]].count("deleted") == 0
    assert state.status == (results[-1]["status"] if results else "none")
    if state.status in ("pending", "completed"):
        assert (state.title, state.notes) == (results[-1]["title"], results[-1]["notes"])


@given(st.lists(ANY_EVENT, max_size=20))
@settings(max_examples=150, deadline=None)
def test_any_events_fold_without_an_error(events: list[Event]) -> None:
    deciders: list[Decider[Any, Any]] = [CONVERSATION, TASK, USER]
    for decider in deciders:
        state = decider.initial_state()
        for version, event in enumerate(events, start=1):
            state = decider.evolve(state, event, version)
        assert state == decider.fold(decider.initial_state(), events)
