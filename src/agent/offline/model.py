from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import uuid4

from agents.items import (
    ModelResponse,
    TResponseInputItem,
    TResponseOutputItem,
    TResponseStreamEvent,
)
from agents.model_settings import ModelSettings
from agents.models.interface import Model
from agents.tool import Tool
from agents.usage import Usage
from openai.types.responses import (
    Response,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseUsage,
)
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails

from agent.offline import streaming
from agent.offline.history import read
from agent.offline.planning import Step, next_step

MODEL_NAME = "offline-rules"
DEFAULT_DELAY_SECONDS = 0.02


class OfflineModel(Model):
    """Answers task requests by rules, without a network; everything it knows is in the input."""

    def __init__(self, delay_seconds: float = DEFAULT_DELAY_SECONDS) -> None:
        self._delay_seconds = delay_seconds

    async def get_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],
        model_settings: ModelSettings,
        tools: list[Tool],
        *_: Any,
        **__: Any,
    ) -> ModelResponse:
        response = _respond(system_instructions, input, tools)
        spent = response.usage or _usage(0, 0)
        usage = Usage(
            requests=1,
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
            total_tokens=spent.total_tokens,
        )
        return ModelResponse(output=response.output, usage=usage, response_id=response.id)

    async def stream_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],
        model_settings: ModelSettings,
        tools: list[Tool],
        *_: Any,
        **__: Any,
    ) -> AsyncIterator[TResponseStreamEvent]:
        response = _respond(system_instructions, input, tools)
        async for event in streaming.stream(response, self._delay_seconds):
            yield event


def _respond(
    instructions: str | None, items: str | list[TResponseInputItem], tools: Sequence[Tool]
) -> Response:
    output = _output(next_step(read(items), {tool.name for tool in tools}))
    return Response(
        id=f"resp_{uuid4().hex}",
        created_at=time.time(),
        model=MODEL_NAME,
        object="response",
        output=output,
        parallel_tool_calls=True,
        status="completed",
        tool_choice="auto",
        tools=[],
        usage=_usage(
            _words(instructions) + _words(items), _words([i.model_dump() for i in output])
        ),
    )


def _output(step: Step) -> list[TResponseOutputItem]:
    if not step.requests:
        return [_message(step.text)]
    return [
        ResponseFunctionToolCall(
            id=f"fc_{uuid4().hex}",
            call_id=f"call_{uuid4().hex}",
            type="function_call",
            name=request.name,
            arguments=json.dumps(request.arguments, ensure_ascii=False, separators=(",", ":")),
            status="completed",
        )
        for request in step.requests
    ]


def _message(text: str) -> ResponseOutputMessage:
    return ResponseOutputMessage(
        id=f"msg_{uuid4().hex}",
        type="message",
        role="assistant",
        status="completed",
        content=[ResponseOutputText(type="output_text", text=text, annotations=[], logprobs=[])],
    )


def _words(value: object) -> int:
    """Tokens, roughly: the words of every text inside."""
    if isinstance(value, str):
        return len(value.split())
    if isinstance(value, dict):
        told = (item for key, item in value.items() if key in _TELLING)
        return sum(_words(item) for item in told)
    return sum(_words(item) for item in value) if isinstance(value, list) else 0


_TELLING = frozenset({"content", "text", "name", "arguments", "output"})


def _usage(input_tokens: int, output_tokens: int) -> ResponseUsage:
    return ResponseUsage(
        input_tokens=input_tokens,
        input_tokens_details=InputTokensDetails(cached_tokens=0, cache_write_tokens=0),
        output_tokens=output_tokens,
        output_tokens_details=OutputTokensDetails(reasoning_tokens=0),
        total_tokens=input_tokens + output_tokens,
    )
