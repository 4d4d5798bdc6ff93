from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .task_box import Conversation, filled

LEAST_SHARE_RIGHT = 0.95

FIXTURE = json.loads((Path(__file__).parent / "utterances.json").read_text(encoding="utf-8"))


async def test_utterances_are_understood() -> None:
    cases = FIXTURE["utterances"]
    wrong = [f"{case['text']!r}: {fault}" for case in cases if (fault := await _fault(case))]
    share_right = 1 - len(wrong) / len(cases)
    print(f"{share_right:.1%} right", *wrong, sep="\n")
    assert share_right >= LEAST_SHARE_RIGHT, "\n".join(wrong)


async def test_utterances_that_ask_change_nothing() -> None:
    asking = [case for case in FIXTURE["utterances"] if case.get("asks")]
    assert len(asking) >= 40
    for case in asking:
        talk, place = await _prepare(case)
        await talk.say(case["text"])
        changes = [name for name, _ in talk.calls_since(place) if name != "list_tasks"]
        assert changes == [], case["text"]


async def _prepare(case: dict[str, Any]) -> tuple[Conversation, int]:
    talk = Conversation(filled(case.get("tasks", FIXTURE["home"])))
    for text in case.get("after", []):
        await talk.say(text)
    return talk, len(talk.items)


async def _fault(case: dict[str, Any]) -> str:
    """What was done instead of what the case expects; empty when it is right."""
    talk, place = await _prepare(case)
    titles = {task_id: task["title"] for task_id, task in talk.box.tasks.items()}
    reply = await talk.say(case["text"])
    calls = talk.calls_since(place)
    changes = [
        (name, _named(arguments, titles)) for name, arguments in calls if name != "list_tasks"
    ]
    told = f"calls {changes}, says {reply!r}"
    if changes != [(name, arguments) for name, arguments in case.get("calls", [])]:
        return told
    if case.get("asks") and "?" not in reply:
        return told
    if "shows" in case and calls[-1:] != [("list_tasks", {"status": case["shows"]})]:
        return f"calls {calls}, says {reply!r}"
    if case.get("says", "").casefold() not in reply.casefold():
        return told
    return f"takes {talk.model_turns} model turns" if talk.model_turns > 4 else ""


def _named(arguments: dict[str, Any], titles: dict[str, str]) -> dict[str, Any]:
    """The task by its title, since ids are minted as the case runs."""
    if "task_id" not in arguments:
        return arguments
    rest = {key: value for key, value in arguments.items() if key != "task_id"}
    return {"task": titles.get(arguments["task_id"], "?"), **rest}
