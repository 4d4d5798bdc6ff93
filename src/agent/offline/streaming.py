"""The event stream of a finished response, as the Responses API would have sent it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from itertools import count

from agents.items import TResponseStreamEvent
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseContentPartAddedEvent,
    ResponseContentPartDoneEvent,
    ResponseCreatedEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseFunctionCallArgumentsDoneEvent,
    ResponseFunctionToolCall,
    ResponseInProgressEvent,
    ResponseOutputItemAddedEvent,
    ResponseOutputItemDoneEvent,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseTextDeltaEvent,
    ResponseTextDoneEvent,
)

_PIECE = re.compile(r"\s*\S+\s*$|\s*\S+")
_DELTAS = (ResponseTextDeltaEvent, ResponseFunctionCallArgumentsDeltaEvent)


async def stream(response: Response, delay_seconds: float) -> AsyncIterator[TResponseStreamEvent]:
    """Waits `delay_seconds` before every delta."""
    for event in events(response):
        if delay_seconds > 0 and isinstance(event, _DELTAS):
            await asyncio.sleep(delay_seconds)
        yield event


def events(response: Response) -> Iterator[TResponseStreamEvent]:
    number = count()
    begun = response.model_copy(update={"output": [], "status": "in_progress", "usage": None})
    yield ResponseCreatedEvent(
        type="response.created", response=begun, sequence_number=next(number)
    )
    yield ResponseInProgressEvent(
        type="response.in_progress", response=begun, sequence_number=next(number)
    )
    for index, item in enumerate(response.output):
        if isinstance(item, ResponseOutputMessage):
            yield from _message(item, index, number)
        elif isinstance(item, ResponseFunctionToolCall):
            yield from _call(item, index, number)
    yield ResponseCompletedEvent(
        type="response.completed", response=response, sequence_number=next(number)
    )


def pieces(text: str) -> list[str]:
    """Word by word; put together they are the text."""
    return _PIECE.findall(text)


def _message(
    item: ResponseOutputMessage, index: int, number: count[int]
) -> Iterator[TResponseStreamEvent]:
    begun = item.model_copy(update={"content": [], "status": "in_progress"})
    yield _added(begun, index, number)
    for content_index, part in enumerate(item.content):
        if isinstance(part, ResponseOutputText):
            yield from _text(part, item.id, index, content_index, number)
    yield _done(item, index, number)


def _text(
    part: ResponseOutputText, item_id: str, index: int, content_index: int, number: count[int]
) -> Iterator[TResponseStreamEvent]:
    yield ResponseContentPartAddedEvent(
        type="response.content_part.added",
        item_id=item_id,
        output_index=index,
        content_index=content_index,
        part=part.model_copy(update={"text": ""}),
        sequence_number=next(number),
    )
    for piece in pieces(part.text):
        yield ResponseTextDeltaEvent(
            type="response.output_text.delta",
            item_id=item_id,
            output_index=index,
            content_index=content_index,
            delta=piece,
            logprobs=[],
            sequence_number=next(number),
        )
    yield ResponseTextDoneEvent(
        type="response.output_text.done",
        item_id=item_id,
        output_index=index,
        content_index=content_index,
        text=part.text,
        logprobs=[],
        sequence_number=next(number),
    )
    yield ResponseContentPartDoneEvent(
        type="response.content_part.done",
        item_id=item_id,
        output_index=index,
        content_index=content_index,
        part=part,
        sequence_number=next(number),
    )


def _call(
    item: ResponseFunctionToolCall, index: int, number: count[int]
) -> Iterator[TResponseStreamEvent]:
    begun = item.model_copy(update={"arguments": "", "status": "in_progress"})
    item_id = item.id or item.call_id
    yield _added(begun, index, number)
    yield ResponseFunctionCallArgumentsDeltaEvent(
        type="response.function_call_arguments.delta",
        item_id=item_id,
        output_index=index,
        delta=item.arguments,
        sequence_number=next(number),
    )
    # Older openai releases demand the name, newer ones keep it as an extra.
    yield ResponseFunctionCallArgumentsDoneEvent.model_validate(
        {
            "type": "response.function_call_arguments.done",
            "item_id": item_id,
            "output_index": index,
            "arguments": item.arguments,
            "name": item.name,
            "sequence_number": next(number),
        }
    )
    yield _done(item, index, number)


def _added(
    item: ResponseOutputMessage | ResponseFunctionToolCall, index: int, number: count[int]
) -> ResponseOutputItemAddedEvent:
    return ResponseOutputItemAddedEvent(
        type="response.output_item.added",
        item=item,
        output_index=index,
        sequence_number=next(number),
    )


def _done(
    item: ResponseOutputMessage | ResponseFunctionToolCall, index: int, number: count[int]
) -> ResponseOutputItemDoneEvent:
    return ResponseOutputItemDoneEvent(
        type="response.output_item.done",
        item=item,
        output_index=index,
        sequence_number=next(number),
    )
