"""POST /v1/chat/completions, as OpenAI-compatible servers speak it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from tests.wire.frames import Frame, cut, new_id
from tests.wire.requests import WireRequest
from tests.wire.turns import Answer, Call, Calls, Reasoning, Text


class ChatWriter:
    def __init__(self, request: WireRequest, answer: Answer) -> None:
        self._request = request
        self._answer = answer
        self._id = new_id("chatcmpl")
        self._created = int(time.time())
        self._chunks = 0
        self._calls = 0

    def frames(self) -> Iterator[Frame]:
        yield self._frame({"role": "assistant", "content": ""})
        for part in self._answer.parts:
            match part:
                case Text():
                    for delta in cut(part.text, part.chunk):
                        yield self._chunk({"content": delta}, part.gap_seconds)
                case Reasoning():
                    for delta in cut(part.summary, part.chunk):
                        yield self._chunk({"reasoning": delta}, part.gap_seconds)
                case Calls():
                    for call in part.each:
                        yield from self._call(call, part)
        reason = "tool_calls" if self._calls else "stop"
        yield self._frame({}, finish_reason=reason, is_last=True)
        if (self._request.body.get("stream_options") or {}).get("include_usage"):
            yield Frame(
                {**self._head("chat.completion.chunk"), "choices": [], "usage": self._usage()}
            )
        yield Frame(None)

    def whole(self) -> dict[str, Any]:
        for _ in self.frames():
            pass
        parts = self._answer.parts
        calls = [call for part in parts if isinstance(part, Calls) for call in part.each]
        message: dict[str, Any] = {
            "role": "assistant",
            "content": "".join(part.text for part in parts if isinstance(part, Text)) or None,
            "refusal": None,
        }
        if calls:
            message["tool_calls"] = [_whole_call(call) for call in calls]
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": "tool_calls" if calls else "stop",
        }
        return {**self._head("chat.completion"), "choices": [choice], "usage": self._usage()}

    def broken(self, event: str, code: str, message: str) -> Frame:
        return Frame({"error": {"message": message, "type": code, "code": code}})

    def _call(self, call: Call, part: Calls) -> Iterator[Frame]:
        index = self._calls
        self._calls += 1
        whole = _whole_call(call)
        arguments = whole["function"]["arguments"]
        opening = {**whole, "index": index, "function": {"name": call.name, "arguments": ""}}
        yield self._frame({"tool_calls": [opening]})
        for delta in cut(arguments, part.chunk):
            piece = {"index": index, "function": {"arguments": delta}}
            yield self._chunk({"tool_calls": [piece]}, part.gap_seconds)

    def _chunk(self, delta: dict[str, Any], gap_seconds: float) -> Frame:
        self._chunks += 1
        return self._frame(delta, is_chunk=True, gap_seconds=gap_seconds)

    def _frame(
        self,
        delta: dict[str, Any],
        *,
        finish_reason: str | None = None,
        is_chunk: bool = False,
        is_last: bool = False,
        gap_seconds: float = 0.0,
    ) -> Frame:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        body = {**self._head("chat.completion.chunk"), "choices": [choice]}
        return Frame(body, None, is_chunk, is_last, gap_seconds)

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": self._request.body.get("model"),
        }

    def _usage(self) -> dict[str, int]:
        given = self._request.size_tokens
        return {
            "prompt_tokens": given,
            "completion_tokens": self._chunks,
            "total_tokens": given + self._chunks,
        }


def _whole_call(call: Call) -> dict[str, Any]:
    arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
    return {
        "id": new_id("call") if call.call_id is None else call.call_id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }
