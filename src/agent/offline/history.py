"""Reading a conversation's input items; nothing else is remembered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agents.items import TResponseInputItem

from agent.input_items import DENIED
from agent.offline.tasks import ADD, CHANGES, COMPLETE, DELETE, LIST, REOPEN, Task

LONGEST_ERROR_CHARACTERS = 300

_STATUS_AFTER = {ADD: "pending", COMPLETE: "completed", REOPEN: "pending", DELETE: "deleted"}
#: How a message names its files, which are no part of what is asked for.
_ATTACHMENT = re.compile(r"^\[attachment: .*\]$", re.MULTILINE)
_GAP = re.compile(r"[,\s]*")


@dataclass(frozen=True, slots=True)
class Output:
    result: Mapping[str, Any]
    error: str = ""
    #: The text broke off: some tasks are missing from the list.
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    call_id: str
    name: str
    arguments: Mapping[str, Any]
    output: Output | None = None

    @property
    def has_succeeded(self) -> bool:
        return self.output is not None and not self.output.error

    @property
    def error(self) -> str:
        return "there was no answer" if self.output is None else self.output.error

    @property
    def is_denied(self) -> bool:
        return self.error.startswith(DENIED)

    @property
    def task_id(self) -> str:
        result = self.output.result if self.output else {}
        return str(result.get("task_id") or self.arguments.get("task_id") or "")

    @property
    def tasks(self) -> tuple[Task, ...]:
        listed = self.output.result.get("tasks") if self.output else None
        found = [Task.from_json(item) for item in listed] if isinstance(listed, list) else []
        return tuple(task for task in found if task)


@dataclass(frozen=True, slots=True)
class Turn:
    """One user message and all that answered it."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    reply: str = ""

    @property
    def changes(self) -> tuple[Call, ...]:
        return tuple(call for call in self.calls if call.name in CHANGES)

    @property
    def made(self) -> tuple[Call, ...]:
        return tuple(call for call in self.changes if call.has_succeeded)

    @property
    def listings(self) -> tuple[Call, ...]:
        return tuple(call for call in self.calls if call.name == LIST)


def read(items: str | Iterable[TResponseInputItem]) -> tuple[Turn, ...]:
    """At least one turn; the last is the one to answer."""
    if isinstance(items, str):
        return (Turn(items),)
    turns: list[Turn] = []
    for item in items:
        if isinstance(item, Mapping):
            _take(item, turns)
    return tuple(turns) or (Turn(),)


def known_tasks(calls: Iterable[Call]) -> dict[str, Task]:
    """What the calls told about tasks, the latest word on each, deleted ones included."""
    known: dict[str, Task] = {}
    for call in calls:
        if call.has_succeeded:
            _learn(call, known)
    return known


def calls_of(turns: Iterable[Turn]) -> list[Call]:
    return [call for turn in turns for call in turn.calls]


def _take(item: Mapping[str, Any], turns: list[Turn]) -> None:
    kind, role = item.get("type", "message"), item.get("role")
    if kind == "message" and role == "user":
        turns.append(Turn(_ATTACHMENT.sub("", _text(item.get("content"))).strip()))
    elif not turns:
        return
    elif kind == "message" and role == "assistant":
        said = f"{turns[-1].reply}\n{_text(item.get('content'))}".strip()
        turns[-1] = replace(turns[-1], reply=said)
    elif kind == "function_call":
        turns[-1] = replace(turns[-1], calls=(*turns[-1].calls, _call(item)))
    elif kind == "function_call_output":
        _answer(str(item.get("call_id")), _output(item.get("output")), turns)


def _answer(call_id: str, output: Output, turns: list[Turn]) -> None:
    for place in range(len(turns) - 1, -1, -1):
        calls = turns[place].calls
        if any(call.call_id == call_id for call in calls):
            answered = (replace(c, output=output) if c.call_id == call_id else c for c in calls)
            turns[place] = replace(turns[place], calls=tuple(answered))
            return


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, Sequence) else ()
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "\n".join(text for text in texts if isinstance(text, str))


def _call(item: Mapping[str, Any]) -> Call:
    arguments = _json(str(item.get("arguments") or "{}"))
    return Call(
        call_id=str(item.get("call_id")),
        name=str(item.get("name")),
        arguments=arguments if isinstance(arguments, Mapping) else {},
    )


def _output(output: object) -> Output:
    text = _text(output)
    value = _unwrap(_json(text))
    if isinstance(value, Mapping) and value.get("error"):
        return Output({}, _error_text(value["error"]))
    if isinstance(value, Mapping):
        return Output(value)
    if isinstance(value, list):
        return Output({"tasks": value})
    if (listed := _cut_list(text)) is not None:
        return Output({"tasks": listed}, is_cut=True)
    return Output({}, _error_text(text))


def _unwrap(value: object) -> object:
    """Tools over MCP may hand their JSON on inside a text part or under `result`."""
    if isinstance(value, Mapping) and value.get("type") in ("text", "input_text"):
        return _json(str(value.get("text"))) or {"error": value.get("text")}
    if isinstance(value, Mapping) and set(value) == {"result"}:
        result = value["result"]
        return _json(result) if isinstance(result, str) else result
    return value


def _cut_list(text: str) -> list[object] | None:
    """The whole entries of a list of tasks whose end was cut off; None for any other text."""
    start = text.find("[", text.find('"tasks"'))
    if '"tasks"' not in text[:40] or start < 0:
        return None
    decoder, place = json.JSONDecoder(), start + 1
    listed: list[object] = []
    while gap := _GAP.match(text, place):
        try:
            entry, place = decoder.raw_decode(text, gap.end())
        except ValueError:
            break
        listed.append(entry)
    return listed


def _error_text(error: object) -> str:
    message = error.get("message") if isinstance(error, Mapping) else error
    text = " ".join(str(message or "there was no answer").split())
    return text[:LONGEST_ERROR_CHARACTERS]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _learn(call: Call, known: dict[str, Task]) -> None:
    if call.name == LIST:
        known.update({task.task_id: task for task in call.tasks})
        return
    if call.name not in CHANGES or not call.task_id:
        return
    result = call.output.result if call.output else {}
    before = known.get(call.task_id, Task(call.task_id, ""))
    told = {**call.arguments, **result}
    known[call.task_id] = Task(
        task_id=call.task_id,
        title=str(told.get("title") or before.title),
        notes=str(told["notes"]) if told.get("notes") is not None else before.notes,
        status=_STATUS_AFTER.get(call.name, before.status),
    )
