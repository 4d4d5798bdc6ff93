"""What the host does with one request, as plain values with a JSON form.

A chunk is one delta on the wire: of text, of a call's arguments, or of a reasoning summary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal


class _Part:
    def __add__(self, other: Part | Answer) -> Answer:
        return as_answer(self) + other  # type: ignore[arg-type]


@dataclass(frozen=True)
class Text(_Part):
    text: str
    #: Characters in one delta.
    chunk: int = 4
    #: Pause before each delta.
    gap_seconds: float = 0.0


@dataclass(frozen=True)
class Call:
    name: str
    #: Text is sent as it is, so that a script can send arguments that are no JSON.
    arguments: Mapping[str, Any] | str
    #: None makes a new one; "" and repeated ones are sent as they are.
    call_id: str | None = None


@dataclass(frozen=True)
class Calls(_Part):
    """Function calls in one response, each a Call or a (name, arguments) pair."""

    calls: Sequence[Call | tuple[str, Mapping[str, Any]]]
    chunk: int = 16
    gap_seconds: float = 0.0

    @property
    def each(self) -> list[Call]:
        return [call if isinstance(call, Call) else Call(*call) for call in self.calls]


@dataclass(frozen=True)
class Reasoning(_Part):
    summary: str
    encrypted_content: str | None = "sealed"
    chunk: int = 16
    gap_seconds: float = 0.0


Part = Text | Calls | Reasoning


@dataclass(frozen=True)
class Answer:
    """Several parts in one response: `Reasoning("…") + Text("…") + Calls([…])`."""

    parts: tuple[Part, ...]

    def __add__(self, other: Part | Answer) -> Answer:
        return Answer(self.parts + as_answer(other).parts)


_LONG_ANSWER = Text("one two three four five six seven eight nine ten")


@dataclass(frozen=True)
class ErrorMidStream:
    after_chunks: int = 3
    answer: Part | Answer = _LONG_ANSWER
    #: How the Responses API reports it; chat completions have one form only.
    event: Literal["response.failed", "response.incomplete", "error"] = "response.failed"
    #: Error code; for response.incomplete the reason.
    code: str = "server_error"
    message: str = "The host lost its way."


@dataclass(frozen=True)
class HttpError:
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str | None = None
    message: str = "The host says no."


@dataclass(frozen=True)
class SlowFirstByte:
    seconds: float
    then: Part | Answer = _LONG_ANSWER
    #: Whether status and headers come at once and only the body is slow.
    headers_first: bool = False


@dataclass(frozen=True)
class Hang:
    """Silence with an open connection: from the start, or after some chunks."""

    after_chunks: int | None = None
    answer: Part | Answer = _LONG_ANSWER


@dataclass(frozen=True)
class DropConnection:
    after_chunks: int = 3
    answer: Part | Answer = _LONG_ANSWER
    #: Whether the body ends properly, only without its last event.
    clean: bool = False


Turn = Part | Answer | ErrorMidStream | HttpError | SlowFirstByte | Hang | DropConnection

_TURN_TYPES: dict[str, type[Any]] = {
    "text": Text,
    "calls": Calls,
    "reasoning": Reasoning,
    "answer": Answer,
    "error_mid_stream": ErrorMidStream,
    "http_error": HttpError,
    "slow_first_byte": SlowFirstByte,
    "hang": Hang,
    "drop_connection": DropConnection,
}
_TYPE_NAMES = {turn_type: name for name, turn_type in _TURN_TYPES.items()}


def as_answer(part: Part | Answer) -> Answer:
    return part if isinstance(part, Answer) else Answer((part,))


def turn_to_json(turn: Turn) -> dict[str, Any]:
    values = {one.name: getattr(turn, one.name) for one in fields(turn)}
    for name in ("answer", "then"):
        if name in values:
            values[name] = turn_to_json(values[name])
    if isinstance(turn, Answer):
        values["parts"] = [turn_to_json(part) for part in turn.parts]
    if isinstance(turn, Calls):
        values["calls"] = [
            {"name": call.name, "arguments": call.arguments, "call_id": call.call_id}
            for call in turn.each
        ]
    return {"type": _TYPE_NAMES[type(turn)], **values}


def turn_from_json(document: Mapping[str, Any]) -> Turn:
    values = {name: value for name, value in document.items() if name != "type"}
    for name in ("answer", "then"):
        if name in values:
            values[name] = turn_from_json(values[name])
    if "parts" in values:
        values["parts"] = tuple(turn_from_json(part) for part in values["parts"])
    if "calls" in values:
        values["calls"] = [
            Call(**call) if isinstance(call, Mapping) else Call(*call) for call in values["calls"]
        ]
    turn: Turn = _TURN_TYPES[document["type"]](**values)
    return turn
