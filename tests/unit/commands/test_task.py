from __future__ import annotations

from typing import Any

import pytest

from commands.errors import InvalidCommand, NotFound
from commands.task import (
    NOTES_CHARACTERS,
    TITLE_CHARACTERS,
    AddTask,
    CompleteTask,
    DeleteTask,
    ReopenTask,
    UpdateTask,
)
from events import task
from events.event import Event

from .scenario import given

ADDED = task.Added(title="milk", notes="two")
COMPLETED = task.Completed()
DELETED = task.Deleted()
UNSTORABLE = ["a\x00b", "a\ud800b"]


def result(title: str = "milk", notes: str = "two", status: str = "pending") -> dict[str, Any]:
    return {"task_id": "t1", "title": title, "notes": notes, "status": status}


def test_add_stores_what_the_tool_answers() -> None:
    command = AddTask(task_id="t1", title=" oat \n milk ", notes=" two ", call_id="c1")
    given().when(command).then(
        task.Added(
            title="oat milk",
            notes=" two ",
            call_id="c1",
            result=result("oat milk", " two "),
        )
    )


@pytest.mark.parametrize("history", [(ADDED,), (ADDED, COMPLETED), (ADDED, DELETED)])
def test_add_of_a_known_task_changes_nothing(history: tuple[Event, ...]) -> None:
    given(*history).when(AddTask(task_id="t1", title="bread")).then()


def test_update_changes_what_is_given() -> None:
    given(ADDED).when(UpdateTask(task_id="t1", title="bread", call_id="c2")).then(
        task.Renamed(title="bread", notes="two", call_id="c2", result=result("bread"))
    )
    given(ADDED).when(UpdateTask(task_id="t1", notes="")).then(
        task.Renamed(title="milk", notes="", result=result(notes=""))
    )
    given(ADDED, COMPLETED).when(UpdateTask(task_id="t1", title="bread", notes="one")).then(
        task.Renamed(title="bread", notes="one", result=result("bread", "one", status="completed"))
    )


def test_update_to_the_same_changes_nothing() -> None:
    given(ADDED).when(UpdateTask(task_id="t1", title="  milk ", notes="two")).then()


def test_update_of_nothing_is_refused() -> None:
    given(ADDED).when(UpdateTask(task_id="t1")).refuses(InvalidCommand, match="Nothing to update")


def test_complete_and_reopen_turn_the_status() -> None:
    given(ADDED).when(CompleteTask(task_id="t1", call_id="c1")).then(
        task.Completed(call_id="c1", result=result(status="completed"))
    )
    given(ADDED, COMPLETED).when(ReopenTask(task_id="t1", call_id="c2")).then(
        task.Reopened(call_id="c2", result=result(status="pending"))
    )


def test_complete_and_reopen_change_nothing_a_second_time() -> None:
    given(ADDED, COMPLETED).when(CompleteTask(task_id="t1")).then()
    given(ADDED).when(ReopenTask(task_id="t1")).then()
    given(ADDED, COMPLETED, task.Reopened()).when(ReopenTask(task_id="t1")).then()


def test_delete_answers_with_what_was_deleted() -> None:
    renamed = task.Renamed(title="bread", notes="one")
    given(ADDED, renamed).when(DeleteTask(task_id="t1", call_id="c1")).then(
        task.Deleted(call_id="c1", result=result("bread", "one", status="deleted"))
    )


@pytest.mark.parametrize(
    "command",
    [
        UpdateTask(task_id="t1", title="bread"),
        CompleteTask(task_id="t1"),
        ReopenTask(task_id="t1"),
        DeleteTask(task_id="t1"),
    ],
    ids=lambda command: type(command).__name__,
)
@pytest.mark.parametrize("history", [(), (ADDED, DELETED)], ids=["unknown", "deleted"])
def test_command_for_a_task_that_is_not_there_is_refused(
    command: Any, history: tuple[Event, ...]
) -> None:
    given(*history).when(command).refuses(NotFound, match="no task t1")


@pytest.mark.parametrize("title", ["", "  \n", "t" * (TITLE_CHARACTERS + 1), *UNSTORABLE])
def test_title_that_is_empty_long_or_unstorable_is_refused(title: str) -> None:
    given().when(AddTask(task_id="t1", title=title)).refuses(InvalidCommand, match="title")
    given(ADDED).when(UpdateTask(task_id="t1", title=title)).refuses(InvalidCommand, match="title")


@pytest.mark.parametrize("notes", ["n" * (NOTES_CHARACTERS + 1), *UNSTORABLE])
def test_notes_that_are_long_or_unstorable_are_refused(notes: str) -> None:
    given().when(AddTask(task_id="t1", title="a", notes=notes)).refuses(InvalidCommand)
    given(ADDED).when(UpdateTask(task_id="t1", notes=notes)).refuses(InvalidCommand, match="notes")


def test_longest_title_and_notes_are_taken() -> None:
    title, notes = "t" * TITLE_CHARACTERS, "n" * NOTES_CHARACTERS
    given().when(AddTask(task_id="t1", title=title, notes=notes)).then(
        task.Added(title=title, notes=notes, result=result(title, notes))
    )
