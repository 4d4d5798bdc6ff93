"""Telling what the tools did: nothing is claimed that no tool has confirmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.offline import replies
from agent.offline.history import Call, Turn
from agent.offline.tasks import ADD, COMPLETE, DELETE, REOPEN, UPDATE, Task

MOST_FAILURES = 5

_ACTIONS = {
    ADD: "add",
    COMPLETE: "complete",
    REOPEN: "reopen",
    DELETE: "delete",
    UPDATE: "change",
}


_UNDONE = {
    ADD: "back on your list",
    COMPLETE: "done again",
    REOPEN: "open again",
    DELETE: "off your list again",
}


def changes(turn: Turn, before: Mapping[str, Task], *, is_undo: bool = False) -> list[str]:
    """One line per kind of change, then one of what was denied, and one per failure.

    `before`: the tasks as they were.
    """
    tell = _undone if is_undo else _done
    lines = [tell(name, turn.made, before) for name in (ADD, COMPLETE, REOPEN, DELETE)]
    lines += [_updated(call, before) for call in turn.made if call.name == UPDATE]
    denied = [_title(call, before) for call in turn.changes if call.is_denied]
    lines += [replies.left_alone(denied)] if denied else []
    told = [" ".join(line for line in lines if line)]
    failed = [c for c in turn.changes if not c.has_succeeded and not c.is_denied]
    told += [_failed(call, before) for call in failed[:MOST_FAILURES]]
    if len(failed) > MOST_FAILURES:
        told.append(f"… and {len(failed) - MOST_FAILURES} more did not work.")
    return told


def _done(name: str, calls: Sequence[Call], before: Mapping[str, Task]) -> str:
    titles = [_title(call, before) for call in calls if call.name == name]
    if not titles:
        return ""
    named = replies.joined(titles)
    is_one = len(titles) == 1
    match name:
        case "add_task":
            return f"Added {named}.{_twice(titles, before)}"
        case "complete_task":
            return f"Done: {named}. {_left(calls, before)}".strip()
        case "reopen_task":
            return f"{named} {'is' if is_one else 'are'} open again."
        case _:
            return f"Deleted {named}."


def _undone(name: str, calls: Sequence[Call], before: Mapping[str, Task]) -> str:
    titles = [_title(call, before) for call in calls if call.name == name]
    if not titles or (name == COMPLETE and any(call.name == ADD for call in calls)):
        return ""  # what is brought back as done is simply back
    return f"{replies.joined(titles)} {'is' if len(titles) == 1 else 'are'} {_UNDONE[name]}."


def _twice(titles: Sequence[str], before: Mapping[str, Task]) -> str:
    listed = {task.title.casefold() for task in before.values() if task.status == "pending"}
    again = [title for title in titles if title.casefold() in listed]
    return f" Mind that {replies.joined(again)} was on your list already." if again else ""


def _left(calls: Sequence[Call], before: Mapping[str, Task]) -> str:
    """Only when the listing of this turn told what was there."""
    ended = {call.task_id for call in calls}
    if any(call.name in (ADD, REOPEN) for call in calls) or not ended <= set(before):
        return ""
    left = [t for t in before.values() if t.status == "pending" and t.task_id not in ended]
    return f"{len(left)} left." if left else "That was the last one. 🎉"


def _updated(call: Call, before: Mapping[str, Task]) -> str:
    old = before.get(call.task_id)
    if title := call.arguments.get("title"):
        named = replies.quoted(old.title) if old else "the task"
        return f"Renamed {named} to {replies.quoted(str(title))}."
    notes = str(call.arguments.get("notes") or "")
    named = replies.quoted(_title(call, before))
    return (
        f"Noted on {named}: {' '.join(notes.split())}"
        if notes
        else f"Cleared the notes of {named}."
    )


def _failed(call: Call, before: Mapping[str, Task]) -> str:
    return replies.could_not(_ACTIONS[call.name], _title(call, before), call.error)


def _title(call: Call, before: Mapping[str, Task]) -> str:
    result = call.output.result if call.output else {}
    known = before.get(call.task_id)
    said = call.arguments.get("title") if call.name == ADD else None
    return str(result.get("title") or (known.title if known else "") or said or "")
