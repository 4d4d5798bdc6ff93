"""Taking back the last change that the conversation knows of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.offline import replies
from agent.offline.history import Call, Turn, calls_of, known_tasks
from agent.offline.intents import Undo
from agent.offline.parsing import parse
from agent.offline.tasks import ADD, COMPLETE, DELETE, REOPEN, UPDATE, Task


@dataclass(frozen=True, slots=True)
class Request:
    """A tool call to make."""

    name: str
    arguments: dict[str, str]


def undo_requests(past: Sequence[Turn]) -> tuple[tuple[Request, ...], str]:
    """The inverse calls, and what to say about changes that have none."""
    place = _last_change(past)
    if place is None:
        return (), replies.NOTHING_TO_UNDO
    requests: list[Request] = []
    problems: list[str] = []
    for call in past[place].made:
        before = _before(call, past[: place + 1])
        if request := _inverse(call, before):
            requests.append(request)
        else:
            problems.append(replies.cannot_undo(before.title))
    return tuple(requests), " ".join(problems)


def restore_requests(past: Sequence[Turn], turn: Turn) -> tuple[Request, ...]:
    """Completes the tasks that undoing a deletion added again, if they were done before."""
    place = _last_change(past)
    if place is None or any(call.name == COMPLETE for call in turn.changes):
        return ()
    deleted = [call for call in past[place].made if call.name == DELETE]
    added = [call for call in turn.changes if call.name == ADD]
    return tuple(
        Request(COMPLETE, {"task_id": new.task_id})
        for old, new in zip(deleted, added, strict=False)
        if new.has_succeeded and _before(old, past[: place + 1]).is_done
    )


def _last_change(past: Sequence[Turn]) -> int | None:
    """The turn to take back; a turn that was an undo has taken one back already."""
    standing: list[int] = []
    for place, turn in enumerate(past):
        if not turn.made:
            continue
        if not isinstance(parse(turn.text), Undo):
            standing.append(place)
        elif standing:
            standing.pop()
    return standing[-1] if standing else None


def _before(call: Call, turns: Sequence[Turn]) -> Task:
    calls = calls_of(turns)
    known = known_tasks(calls[: calls.index(call)])
    result = call.output.result if call.output else {}
    return known.get(call.task_id) or Task(call.task_id, str(result.get("title") or ""), status="")


def _inverse(call: Call, before: Task) -> Request | None:
    task_id = {"task_id": call.task_id}
    if call.name == ADD:
        return Request(DELETE, task_id) if call.task_id else None
    if call.name == COMPLETE:
        return Request(REOPEN, task_id)
    if call.name == REOPEN:
        return Request(COMPLETE, task_id)
    if call.name == DELETE and before.title:
        notes = {"notes": before.notes} if before.notes else {}
        return Request(ADD, {"title": before.title, **notes})
    if call.name == UPDATE and before.status:
        held = {"title": before.title, "notes": before.notes}
        return Request(UPDATE, task_id | {k: v for k, v in held.items() if k in call.arguments})
    return None
