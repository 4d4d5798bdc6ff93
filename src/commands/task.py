"""The task decider."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, assert_never

from commands.decider import Decider
from commands.errors import InvalidCommand, NotFound
from events import task
from events.event import Event
from events.storable import is_storable

TITLE_CHARACTERS = 500
NOTES_CHARACTERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AddTask:
    task_id: str
    title: str
    notes: str = ""
    call_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateTask:
    task_id: str
    #: None leaves it as it is.
    title: str | None = None
    notes: str | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteTask:
    task_id: str
    call_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenTask:
    task_id: str
    call_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteTask:
    task_id: str
    call_id: str | None = None


TaskCommand = AddTask | UpdateTask | CompleteTask | ReopenTask | DeleteTask


@dataclass(frozen=True, slots=True)
class TaskState:
    title: str = ""
    notes: str = ""
    #: none | pending | completed | deleted
    status: str = "none"


def decide(command: TaskCommand, state: TaskState) -> list[Event]:
    match command:
        case AddTask():
            return _add(command, state)
        case UpdateTask():
            return _update(command, _existing(command.task_id, state))
        case CompleteTask():
            _existing(command.task_id, state)
            if state.status == "completed":
                return []
            return [
                task.Completed(call_id=command.call_id, result=_result(command, state, "completed"))
            ]
        case ReopenTask():
            _existing(command.task_id, state)
            if state.status == "pending":
                return []
            return [
                task.Reopened(call_id=command.call_id, result=_result(command, state, "pending"))
            ]
        case DeleteTask():
            _existing(command.task_id, state)
            return [
                task.Deleted(call_id=command.call_id, result=_result(command, state, "deleted"))
            ]
        case _:
            assert_never(command)


def evolve(state: TaskState, event: Event, version: int) -> TaskState:
    match event:
        case task.Added():
            return TaskState(event.title, event.notes, "pending")
        case task.Renamed():
            return replace(state, title=event.title, notes=event.notes)
        case task.Completed():
            return replace(state, status="completed")
        case task.Reopened():
            return replace(state, status="pending")
        case task.Deleted():
            return TaskState(status="deleted")
        case _:
            return state


TASK = Decider("task", TaskState, decide, evolve)


def describe(task_id: str, state: TaskState) -> dict[str, Any]:
    """What a task tool answers."""
    return {
        "task_id": task_id,
        "title": state.title,
        "notes": state.notes,
        "status": state.status,
    }


def no_such_task(task_id: str) -> NotFound:
    return NotFound(f"There is no task {task_id}: list the tasks to see their ids.")


def _add(command: AddTask, state: TaskState) -> list[Event]:
    title, notes = _title(command.title), _notes(command.notes)
    if state.status != "none":
        return []
    result = describe(command.task_id, TaskState(title, notes, "pending"))
    return [task.Added(title=title, notes=notes, call_id=command.call_id, result=result)]


def _update(command: UpdateTask, state: TaskState) -> list[Event]:
    if command.title is None and command.notes is None:
        raise InvalidCommand("Nothing to update: give a title, notes, or both.")
    title = state.title if command.title is None else _title(command.title)
    notes = state.notes if command.notes is None else _notes(command.notes)
    if (title, notes) == (state.title, state.notes):
        return []
    result = describe(command.task_id, replace(state, title=title, notes=notes))
    return [task.Renamed(title=title, notes=notes, call_id=command.call_id, result=result)]


def _result(
    command: CompleteTask | ReopenTask | DeleteTask, state: TaskState, status: str
) -> dict[str, Any]:
    return describe(command.task_id, replace(state, status=status))


def _existing(task_id: str, state: TaskState) -> TaskState:
    if state.status in ("none", "deleted"):
        raise no_such_task(task_id)
    return state


def _title(text: str) -> str:
    title = " ".join(text.split())
    if not title:
        raise InvalidCommand("A task needs a title.")
    if len(title) > TITLE_CHARACTERS or not is_storable(title):
        raise InvalidCommand(f"A task's title is text of at most {TITLE_CHARACTERS} characters.")
    return title


def _notes(text: str) -> str:
    if len(text) > NOTES_CHARACTERS or not is_storable(text):
        raise InvalidCommand(f"A task's notes are text of at most {NOTES_CHARACTERS} characters.")
    return text
