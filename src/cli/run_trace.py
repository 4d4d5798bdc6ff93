"""Cause and effect in a run: message, run, attempts, model responses, tool calls, their effects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import orjson

from cli.past_events import Readable
from events import conversation as c
from events.stored import RecordedEvent, StoredEvent

#: Sorts what has no position yet behind what has one.
_UNSEALED = 2**63


@dataclass(slots=True)
class Step:
    stored: StoredEvent
    #: None where the content was erased.
    recorded: RecordedEvent | None
    caused: list[Step] = field(default_factory=list)


def calls_of(readable: Iterable[Readable], run_id: str) -> list[str]:
    """The ids of the run's tool calls."""
    found = (one.event for _, one in readable if one)
    return [e.call_id for e in found if isinstance(e, c.ToolCalled) and e.run_id == run_id]


def trace(stream: Iterable[Readable], effects: Iterable[Readable], run_id: str) -> list[Step]:
    """The tree, of the whole stream and the run's effects in others.

    What was erased no longer says what caused it: those of the run stand side by side, with the
    run as their common cause.
    """
    tracer = _Tracer(run_id)
    for stored, recorded in (*stream, *effects):
        tracer.take(Step(stored, recorded))
    for step in walk(tracer.roots):
        step.caused.sort(key=_place)
    return sorted(tracer.roots, key=_place)


def walk(steps: Iterable[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        yield from walk(step.caused)


def _place(step: Step) -> int:
    return step.stored.position or _UNSEALED


class _Tracer:
    def __init__(self, run_id: str) -> None:
        self.roots: list[Step] = []
        self._run_id = run_id
        self._run: Step | None = None
        self._messages: dict[str, Step] = {}
        self._attempts: dict[int, Step] = {}
        #: The last one, and those that asked for a call, by the provider's id of that.
        self._response: Step | None = None
        self._asking: dict[str, Step] = {}
        self._calls: dict[str, Step] = {}

    def take(self, step: Step) -> None:
        if isinstance(posted := step.recorded and step.recorded.event, c.UserMessagePosted):
            self._messages[posted.message_id] = step
        elif self._is_of_run(step):
            self._take_of_run(step)

    def _is_of_run(self, step: Step) -> bool:
        metadata = orjson.loads(step.stored.metadata)  # which is not encrypted
        event = step.recorded and step.recorded.event
        by = metadata["actor"].removeprefix("agent:") if event is None else None
        named = {getattr(event, "run_id", None), getattr(event, "by_run_id", None)}
        is_of_call = getattr(event, "call_id", None) in self._calls
        return is_of_call or self._run_id in {*named, metadata.get("correlation_id"), by}

    def _take_of_run(self, step: Step) -> None:
        cause = self._cause_of(step)
        (cause.caused if cause else self.roots).append(step)
        if step.recorded is not None:
            self._remember(step, step.recorded)

    def _cause_of(self, step: Step) -> Step | None:
        match event := step.recorded and step.recorded.event:
            case c.RunRequested(message_id=message_id):
                return self._answered(message_id)
            case c.ModelResponded(attempt=attempt) | c.RunPaused(attempt=attempt):
                return self._attempts.get(attempt, self._run)
            case c.RunStarted(attempt=attempt):
                return self._attempts.get(attempt, self._run)
            case c.ToolCalled() if event.call_id not in self._calls:
                attempt_step = self._attempts.get(event.attempt, self._run)
                return self._asking.get(event.provider_call_id, attempt_step)
            case c.AssistantMessagePosted():
                return self._response or self._run
            case _:
                call_id = getattr(event, "call_id", None)
                return self._calls.get(call_id, self._run) if call_id else self._run

    def _answered(self, message_id: str) -> Step | None:
        message = self._messages.get(message_id)
        if message is not None:
            self.roots.append(message)
        return message

    def _remember(self, step: Step, recorded: RecordedEvent) -> None:
        match recorded.event:
            case c.RunRequested():
                self._run = step
            case c.RunStarted(attempt=attempt) | c.RunResumed(attempt=attempt):
                self._attempts[attempt] = step
            case c.ModelResponded(items=items):
                self._response = step
                self._asking.update({i["call_id"]: step for i in items if "call_id" in i})
            case c.ToolCalled(call_id=call_id):
                self._calls.setdefault(call_id, step)
