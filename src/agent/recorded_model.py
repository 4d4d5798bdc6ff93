"""A model whose every response is stored before anything comes of it.

The SDK starts a response's tools once the response's stream has ended, so storing it here, inside
the stream, is what makes "recorded before it acts" true.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from agents import Model, ModelResponse, ModelSettings, Tool
from agents.agent_output import AgentOutputSchemaBase
from agents.handoffs import Handoff
from agents.items import TResponseInputItem, TResponseStreamEvent
from agents.models.interface import ModelTracing
from openai.types.responses import (
    ResponseCompletedEvent,
    ResponseContentPartAddedEvent,
    ResponseContentPartDoneEvent,
    ResponseErrorEvent,
    ResponseFailedEvent,
    ResponseIncompleteEvent,
    ResponseOutputItemAddedEvent,
    ResponseOutputMessage,
    ResponseTextDeltaEvent,
)
from openai.types.responses.response_prompt_param import ResponsePromptParam

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
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],
        model_settings: ModelSettings,
        tools: list[Tool],
        output_schema: AgentOutputSchemaBase | None,
        handoffs: list[Handoff[Any, Any]],
        tracing: ModelTracing,
        *,
        previous_response_id: str | None,
        conversation_id: str | None,
        prompt: ResponsePromptParam | None,
    ) -> AsyncIterator[TResponseStreamEvent]:
        if self._stopped.is_set():
            raise RunStopped("The run was stopped.")
        stream = self._model.stream_response(
            system_instructions,
            input,
            model_settings,
            tools,
            output_schema,
            handoffs,
            tracing,
            previous_response_id=previous_response_id,
            conversation_id=conversation_id,
            prompt=prompt,
        )
        async for event in _until(stream, self._stopped):
            await self._record(event)
            yield event

    async def _record(self, event: TResponseStreamEvent) -> None:
        recorder = self._recorder
        match event:
            case ResponseTextDeltaEvent():
                recorder.add_text(event.item_id, event.content_index, event.delta)
            case ResponseOutputItemAddedEvent(item=ResponseOutputMessage() as message):
                recorder.begin_message(message.id)
            case ResponseContentPartAddedEvent() if event.part.type == "output_text":
                recorder.begin_part(event.item_id, event.content_index)
            case ResponseContentPartDoneEvent() if event.part.type == "output_text":
                recorder.end_part(event.item_id, event.content_index)
            case ResponseCompletedEvent():
                await recorder.respond(event.response, event.response.model or self._model_name)
            case ResponseFailedEvent() | ResponseErrorEvent():
                raise ModelUnavailable("The model gave up on the reply.", retryable=True)
            case ResponseIncompleteEvent():
                raise ModelUnavailable("The model's reply ended too early.", retryable=True)
            case _:
                pass


async def _until(
    stream: AsyncIterator[TResponseStreamEvent], stopped: asyncio.Event
) -> AsyncIterator[TResponseStreamEvent]:
    """The stream's events until it ends, or RunStopped at once when `stopped` is set.

    The pump holds a place for events, so one event costs no task of its own.
    """
    events: asyncio.Queue[TResponseStreamEvent | BaseException | None] = asyncio.Queue(256)

    async def pump() -> None:
        try:
            async for event in stream:
                await events.put(event)
            await events.put(None)
        except Exception as error:
            await events.put(error)

    async def stop() -> None:
        await stopped.wait()
        pumping.cancel()
        while not events.empty():
            events.get_nowait()
        await events.put(RunStopped("The run was stopped."))

    pumping, stopping = asyncio.create_task(pump()), asyncio.create_task(stop())
    try:
        while (event := await events.get()) is not None:
            if isinstance(event, BaseException):
                raise event
            yield event
    finally:
        pumping.cancel()
        stopping.cancel()
        await asyncio.gather(pumping, stopping, return_exceptions=True)
