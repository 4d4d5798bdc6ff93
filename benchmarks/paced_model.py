"""A model in this process that says as many words as it is asked for, at a fixed rate.

It keeps to a timetable: what the process does meanwhile makes a word late, never the next one too.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

from agents import Model, ModelResponse
from agents.items import TResponseStreamEvent
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseContentPartAddedEvent,
    ResponseContentPartDoneEvent,
    ResponseCreatedEvent,
    ResponseOutputItemAddedEvent,
    ResponseOutputItemDoneEvent,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseTextDeltaEvent,
    ResponseTextDoneEvent,
)

_REQUEST = re.compile(r"(\d+) words, one every ([\d.]+) s, from ([\d.]+) s")
WORDS = ("here", "are", "some", "words", "that", "mean", "little", "and")


def request_for(deltas: int, gap_seconds: float, starts_at: float = 0.0) -> str:
    """What a user says. The start is a moment of `time.perf_counter`, one clock for all processes
    of a machine; a moment that has passed is now."""
    return f"{deltas} words, one every {gap_seconds} s, from {starts_at} s"


class PacedModel(Model):
    async def get_response(self, *_: Any, **__: Any) -> ModelResponse:
        raise NotImplementedError("Replies are streamed.")

    async def stream_response(
        self, system_instructions: str | None, input: Any, *_: Any, **__: Any
    ) -> AsyncIterator[TResponseStreamEvent]:
        deltas, gap_seconds, starts_at = _asked(input)
        reply = _Reply(deltas)
        for event in reply.beginning():
            yield event
        started = max(time.perf_counter(), starts_at)
        for number, delta in enumerate(reply.deltas):
            due = started + number * gap_seconds
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            yield reply.delta(delta)
        for event in reply.ending():
            yield event


def _asked(input: Any) -> tuple[int, float, float]:
    deltas, gap_seconds, starts_at = _REQUEST.findall(str(input))[-1]
    return int(deltas), float(gap_seconds), float(starts_at)


class _Reply:
    def __init__(self, deltas: int) -> None:
        self.deltas = [f"{WORDS[n % len(WORDS)]} " for n in range(deltas)]
        self._item_id = f"msg_{uuid.uuid4().hex}"
        self._place = {"item_id": self._item_id, "output_index": 0, "content_index": 0}

    def beginning(self) -> Iterator[TResponseStreamEvent]:
        yield ResponseCreatedEvent(
            type="response.created", response=self._response(), sequence_number=0
        )
        yield ResponseOutputItemAddedEvent(
            type="response.output_item.added",
            item=self._message(),
            output_index=0,
            sequence_number=0,
        )
        yield ResponseContentPartAddedEvent.model_validate(
            {
                "type": "response.content_part.added",
                "part": self._part(""),
                "sequence_number": 0,
                **self._place,
            }
        )

    def delta(self, text: str) -> TResponseStreamEvent:
        return ResponseTextDeltaEvent(
            type="response.output_text.delta",
            item_id=self._item_id,
            output_index=0,
            content_index=0,
            delta=text,
            logprobs=[],
            sequence_number=0,
        )

    def ending(self) -> Iterator[TResponseStreamEvent]:
        text = "".join(self.deltas)
        part = self._part(text)
        yield ResponseTextDoneEvent.model_validate(
            {
                "type": "response.output_text.done",
                "text": text,
                "logprobs": [],
                "sequence_number": 0,
                **self._place,
            }
        )
        yield ResponseContentPartDoneEvent.model_validate(
            {
                "type": "response.content_part.done",
                "part": part,
                "sequence_number": 0,
                **self._place,
            }
        )
        message = self._message(part)
        yield ResponseOutputItemDoneEvent(
            type="response.output_item.done", item=message, output_index=0, sequence_number=0
        )
        yield ResponseCompletedEvent(
            type="response.completed", response=self._response(message), sequence_number=0
        )

    def _message(self, *parts: ResponseOutputText) -> ResponseOutputMessage:
        return ResponseOutputMessage(
            id=self._item_id,
            type="message",
            role="assistant",
            status="completed" if parts else "in_progress",
            content=list(parts),
        )

    @staticmethod
    def _part(text: str) -> ResponseOutputText:
        return ResponseOutputText(type="output_text", text=text, annotations=[], logprobs=[])

    @staticmethod
    def _response(*output: ResponseOutputMessage) -> Response:
        return Response(
            id=f"resp_{uuid.uuid4().hex}",
            created_at=time.time(),
            model="paced",
            object="response",
            output=list(output),
            parallel_tool_calls=True,
            status="completed" if output else "in_progress",
            tool_choice="auto",
            tools=[],
        )
