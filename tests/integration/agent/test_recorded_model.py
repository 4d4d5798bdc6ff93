"""What stands between a model's stream and the SDK."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from agents import Model, ModelResponse
from agents.items import TResponseStreamEvent
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseTextDeltaEvent,
)

from agent.offline import streaming
from events import conversation as c
from tests.agent_node import agent_node


def response_of(text: str) -> Response:
    part = ResponseOutputText(type="output_text", text=text, annotations=[], logprobs=[])
    message = ResponseOutputMessage(
        id="msg_1", type="message", role="assistant", status="completed", content=[part]
    )
    return Response(
        id="resp_1",
        created_at=time.time(),
        model="told",
        object="response",
        output=[message],
        parallel_tool_calls=True,
        status="completed",
        tool_choice="auto",
        tools=[],
    )


class Told(Model):
    """Says a text; what becomes of its events, a subclass decides."""

    async def get_response(self, *_: Any, **__: Any) -> ModelResponse:
        raise NotImplementedError

    async def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[TResponseStreamEvent]:
        for event in streaming.events(response_of("one two three")):
            async for changed in self.changed(event):
                yield changed

    async def changed(self, event: TResponseStreamEvent) -> AsyncIterator[TResponseStreamEvent]:
        yield event


class WithoutFinalOutput(Told):
    async def changed(self, event: TResponseStreamEvent) -> AsyncIterator[TResponseStreamEvent]:
        if isinstance(event, ResponseCompletedEvent):
            empty = event.response.model_copy(update={"output": []})
            event = event.model_copy(update={"response": empty})
        yield event


class Endless(Told):
    """Repeats its first word for ever, and never has to wait for it."""

    async def changed(self, event: TResponseStreamEvent) -> AsyncIterator[TResponseStreamEvent]:
        yield event
        while isinstance(event, ResponseTextDeltaEvent):
            await asyncio.sleep(0)
            yield event


async def test_reply_that_its_last_event_leaves_out_is_kept(database_url: str) -> None:
    async with agent_node(database_url, WithoutFinalOutput()) as node:
        sent = await node.say("hello")
        shown = await node.shown(sent.run_id)
        assert shown[-1]["item"]["content"][0]["text"] == "one two three"
        events = await node.events(sent.conversation_id)
        assert [e.text for e in events if isinstance(e, c.AssistantMessagePosted)] == [
            "one two three"
        ]


async def test_model_that_never_pauses_can_be_stopped(database_url: str) -> None:
    async with agent_node(database_url, Endless()) as node:
        sent = await node.say("hello")
        async for chunk in node.reader.follow(sent.run_id, "ada"):
            if any(b"text_delta" in frame.body for frame in chunk):
                break
        assert await node.leases.request_cancel(sent.run_id, "ada")
        frames = await node.frames(sent.run_id)
        assert frames[-1].is_last
        posted, ended = (await node.events(sent.conversation_id))[-2:]
        assert isinstance(ended, c.RunCancelled)
        assert posted.is_partial
        assert posted.text.startswith("oneone")
