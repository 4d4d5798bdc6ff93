"""The model of the soak: what it says follows from the request alone."""

from __future__ import annotations

import json

from tests.wire import Calls, Text, Turn, WireRequest

#: Seconds between two tokens.
GAP_SECONDS = 0.02
KINDS = ("say", "add", "both", "finish")
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def answer(request: WireRequest) -> Turn:
    kind, _, subject = request.last_user_text.partition(" ")
    outputs = request.tool_outputs
    match kind, len(outputs):
        case "say", _:
            return _said(f"{' '.join(_WORDS)} " * 3 + subject)
        case "add", 0:
            return _adding(subject)
        case "both", 0:
            return _adding(f"{subject}-a", f"{subject}-b")
        case "finish", 0:
            return Text("Let me look.", gap_seconds=GAP_SECONDS) + Calls([("list_tasks", {})])
        case "finish", 1 if tasks := _open_tasks(outputs[0]):
            return Calls([("complete_task", {"task_id": tasks[0]})])
        case _:
            return _said(f"That is done: {subject}.")


def _said(text: str) -> Text:
    return Text(text, gap_seconds=GAP_SECONDS)


def _adding(*titles: str) -> Calls:
    return Calls([("add_task", {"title": title}) for title in titles], gap_seconds=GAP_SECONDS)


def _open_tasks(output: str) -> list[str]:
    try:
        tasks = json.loads(output)["tasks"]
    except (ValueError, KeyError, TypeError):
        return []
    return [task["task_id"] for task in tasks if task["status"] == "pending"]
