"""Which turn answers which request: a list in order, a table of rules, or any function."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.wire.requests import WireRequest
from tests.wire.turns import HttpError, Turn, turn_from_json, turn_to_json

_PLACEHOLDER = re.compile(r"\{(\d|user|output)\}")


@dataclass(frozen=True)
class Rule:
    """Answers with `turn` where everything that is given matches.

    In the turn's texts "{1}" is the first group of `user`, "{user}" the whole last user message
    and "{output}" the last tool output. A rule keeps no state, so any number of conversations can
    run at once and a repeated request gets the same answer.
    """

    #: Pattern searched in the last user message.
    user: str
    turn: Turn
    #: How many tool outputs have come since that message; None is any number.
    outputs: int | None = None
    #: Pattern searched in the last of these outputs.
    output: str | None = None


Script = Sequence[Turn] | Sequence[Rule] | Callable[[WireRequest], Turn]


def choose_by(script: Script) -> Callable[[WireRequest], Turn]:
    if callable(script):
        return script
    rules = [entry for entry in script if isinstance(entry, Rule)]
    if rules:
        return lambda request: _by_rule(rules, request)
    return _InOrder([entry for entry in script if not isinstance(entry, Rule)])


def dump_script(script: Sequence[Turn] | Sequence[Rule]) -> dict[str, Any]:
    """The JSON form, for `python -m tests.wire --script FILE`."""
    if any(isinstance(entry, Rule) for entry in script):
        return {"rules": [_rule_to_json(rule) for rule in script if isinstance(rule, Rule)]}
    return {"turns": [turn_to_json(turn) for turn in script if not isinstance(turn, Rule)]}


def load_script(document: Mapping[str, Any]) -> Sequence[Turn] | Sequence[Rule]:
    if "rules" in document:
        return [
            Rule(**{**rule, "turn": turn_from_json(rule["turn"])}) for rule in document["rules"]
        ]
    return [turn_from_json(turn) for turn in document["turns"]]


class _InOrder:
    def __init__(self, turns: list[Turn]) -> None:
        self._turns = turns
        self._next = 0
        self._lock = threading.Lock()

    def __call__(self, request: WireRequest) -> Turn:
        with self._lock:
            if self._next == len(self._turns):
                return _nothing_to_say(f"the script has {len(self._turns)} turns, all are used")
            self._next += 1
            return self._turns[self._next - 1]


def _by_rule(rules: Sequence[Rule], request: WireRequest) -> Turn:
    outputs = request.tool_outputs
    for rule in rules:
        found = re.search(rule.user, request.last_user_text)
        if found is None or rule.outputs not in {None, len(outputs)}:
            continue
        if rule.output is None or (outputs and re.search(rule.output, outputs[-1])):
            return _filled(rule.turn, found, request)
    return _nothing_to_say("no rule of the script matches the request")


def _filled(turn: Turn, found: re.Match[str], request: WireRequest) -> Turn:
    def value(placeholder: re.Match[str]) -> str:
        match placeholder.group(1):
            case "user":
                return request.last_user_text
            case "output":
                return (request.tool_outputs or [""])[-1]
            case group:
                return found.group(int(group))

    def fill(part: Any) -> Any:
        match part:
            case str():
                return _PLACEHOLDER.sub(value, part)
            case Mapping():
                return {name: fill(inner) for name, inner in part.items()}
            case list():
                return [fill(inner) for inner in part]
            case _:
                return part

    return turn_from_json(fill(turn_to_json(turn)))


def _rule_to_json(rule: Rule) -> dict[str, Any]:
    return {
        "user": rule.user,
        "outputs": rule.outputs,
        "output": rule.output,
        "turn": turn_to_json(rule.turn),
    }


def _nothing_to_say(reason: str) -> HttpError:
    # 400 is the status that no client retries, so a test that runs dry fails at once.
    return HttpError(status=400, code="script_error", message=reason)
