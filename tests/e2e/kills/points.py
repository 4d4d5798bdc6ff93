"""The points at which a worker is killed, and how it is brought to stand at one of them.

The appends of the run, after that of the message itself: run_started; the model's response with the
call; the call's result; the model's answer; run_completed. The effect is an append of its own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from tests.wire import Calls, Hang, Text, Turn, WireRequest

ANSWER = "It is done."
_WORDS = "one two three four five six seven eight nine ten eleven twelve"
PREAMBLE = Text("I will do that now.")

Where = Literal["conversation", "task", "wire", "lease"]


@dataclass(frozen=True)
class Point:
    name: str
    where: Where
    #: Appends to the conversation that happen, the message's included.
    passed: int = 0
    #: Whether the statement in flight happens although its worker is dead.
    is_late: bool = False
    #: The newest event of the conversation when the worker is killed.
    newest: str = ""
    #: Whether the user stops the run while nobody works on it.
    is_stopped: bool = False

    def __str__(self) -> str:
        return self.name


#: For one worker each: it has as many writers as may stand still at once.
WORKERS = (
    (
        Point("in_text", "wire", newest="run_started"),
        Point("between_items", "wire", newest="run_started"),
        Point("after_result", "wire", newest="tool_completed"),
        Point("before_start", "conversation", 1, newest="run_requested"),
        Point("before_call", "conversation", 2, newest="run_started"),
        Point("stopped_after_effect", "conversation", 3, newest="tool_called", is_stopped=True),
    ),
    (
        Point("call_in_flight", "conversation", 2, True, newest="run_started"),
        Point("after_call", "task", newest="tool_called"),
        Point("effect_in_flight", "task", is_late=True, newest="tool_called"),
    ),
    (
        Point("after_effect", "conversation", 3, newest="tool_called"),
        Point("result_in_flight", "conversation", 3, True, newest="tool_called"),
        Point("before_completed", "conversation", 5, newest="assistant_message_posted"),
    ),
)
#: What a backup or a branch of the database finds unfinished.
UNFINISHED = (
    Point("in_text", "wire", newest="run_started"),
    Point("after_call", "task", newest="tool_called"),
)
#: Of a worker that is stalled, not killed: whatever was on its way happens while it is away.
STALLED = (
    Point("in_text", "wire", newest="run_started"),
    Point("response_on_its_way", "conversation", 2, True, newest="run_started"),
    Point("effect_on_its_way", "task", is_late=True, newest="tool_called"),
    # The run's last events are appended, in a transaction that its worker has yet to commit.
    Point("end_uncommitted", "lease", is_late=True, newest="assistant_message_posted"),
)
POINTS = [point for points in WORKERS for point in points]


class Script:
    """The model: each message names its point, and what comes again is answered in full."""

    def __init__(self) -> None:
        self._asked: Counter[tuple[str, int]] = Counter()

    def __call__(self, request: WireRequest) -> Turn:
        point, _, subject = request.last_user_text.partition(" ")
        outputs = len(request.tool_outputs)
        self._asked[request.last_user_text, outputs] += 1
        is_first = self._asked[request.last_user_text, outputs] == 1
        call = _call(point, subject)
        match point, outputs:
            case "greet", _:
                return Text("Hello.")
            case "slowly", _:
                return Text(f"{_WORDS} {subject}", gap_seconds=0.05)
            case "end_uncommitted", _:
                return Text(ANSWER)
            case "in_text", _:
                whole = Text(ANSWER)
                return Hang(after_chunks=2, answer=whole) if is_first else whole
            case "between_items", 0 if is_first:
                return Hang(
                    after_chunks=-(-len(PREAMBLE.text) // PREAMBLE.chunk), answer=PREAMBLE + call
                )
            case "after_result", 1 if is_first:
                return Hang()
            case _, 0:
                return call
            case _:
                return Text(ANSWER)


def _call(point: str, subject: str) -> Calls:
    """Deleting what is deleted fails, so a second deletion under another id would show."""
    if point == "abroad":
        return Calls([("others__hold", {"text": subject})])
    if point in ("after_call", "effect_in_flight", "effect_on_its_way"):
        return Calls([("delete_task", {"task_id": subject})])
    return Calls([("add_task", {"title": subject})])
