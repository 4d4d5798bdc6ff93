"""A model whose every response is stored before anything comes of it.

The SDK starts a response's tools once the response's stream has ended, so storing it here, inside
the stream, is what makes "recorded before it acts" true. Of the stream's events the SDK gets the
last one only: it needs no other, and would carry each delta through two queues to nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, cast

from agents import Model, ModelResponse
from agents.items import TResponseStreamEvent
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseContentPartAddedEvent,
    ResponseContentPartDoneEvent,
    ResponseErrorEvent,
    ResponseFailedEvent,
    ResponseIncompleteEvent,
    ResponseOutputItem,
    ResponseOutputItemAddedEvent,
    ResponseOutputItemDoneEvent,
    ResponseOutputMessage,
    ResponseTextDeltaEvent,
)

from agent.errors import ModelUnavailable, RunStopped
from agent.recorder import RunRecorder


class RecordedModel(Model):
    def __init__(
        self, model: Model, recorder: RunRecorder, stopped: asyncio.Event, model_name: str
    ) -> None:
        self._model = model
        self._recorder = recorder
        self._stopped = stopped
        self._model_name = model_name

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        raise NotImplementedError("Runs are streamed.")

    async def stream_response(
        self, *args: Any, **kwargs: Any
    ) -> AsyncIterator[TResponseStreamEvent]:
        if self._stopped.is_set():
            raise RunStopped("The run was stopped.")
        stream = self._model.stream_response(*args, **kwargs)
        completed = await self._follow(cast(AsyncGenerator[TResponseStreamEvent], stream))
        if completed is not None:
            response = completed.response
            await self._recorder.respond(response, response.model or self._model_name)
            yield completed

    async def _follow(
        self, stream: AsyncGenerator[TResponseStreamEvent]
    ) -> ResponseCompletedEvent | None:
        """Shows what the model says until its last event; None when there was none."""
        finished: list[ResponseOutputItem] = []
        async with _unless(self._stopped), aclosing(stream):
            async for event in stream:
                match event:
                    case ResponseTextDeltaEvent():
                        self._recorder.add_text(event.item_id, event.delta)
                    case ResponseOutputItemDoneEvent():
                        finished.append(event.item)
                    case ResponseCompletedEvent():
                        _complete(event.response, finished)
                        return event
                    case _:
                        self._show(event)
        return None

    def _show(self, event: TResponseStreamEvent) -> None:
        match event:
            case ResponseOutputItemAddedEvent(item=ResponseOutputMessage() as message):
                self._recorder.begin_message(message.id)
            case ResponseContentPartAddedEvent() if event.part.type == "output_text":
                self._recorder.begin_part(event.item_id, event.content_index)
            case ResponseContentPartDoneEvent() if event.part.type == "output_text":
                self._recorder.end_part(event.item_id, event.content_index)
            case ResponseFailedEvent() | ResponseErrorEvent():
                raise ModelUnavailable("The model gave up on the reply.", retryable=True)
            case ResponseIncompleteEvent():
                raise ModelUnavailable("The model's reply ended too early.", retryable=True)
            case _:
                pass


def _complete(response: Response, finished: list[ResponseOutputItem]) -> None:
    """Some hosts leave the output out of the last event."""
    if not response.output:
        response.output = finished


@asynccontextmanager
async def _unless(stopped: asyncio.Event) -> AsyncIterator[None]:
    """Raises RunStopped where the body waits once `stopped` is set."""

    async def watch() -> None:
        await stopped.wait()
        patience.reschedule(0.0)

    try:
        async with asyncio.timeout(None) as patience:
            watching = asyncio.create_task(watch())
            try:
                yield
            finally:
                watching.cancel()
    except TimeoutError:
        if not patience.expired():
            raise
        raise RunStopped("The run was stopped.") from None
