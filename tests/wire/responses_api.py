"""POST /v1/responses: the events in the order and with the fields of OpenAI's own host."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from tests.wire.frames import Frame, cut, new_id
from tests.wire.requests import WireRequest
from tests.wire.turns import Answer, Call, Calls, Reasoning, Text


class ResponsesWriter:
    def __init__(self, request: WireRequest, answer: Answer) -> None:
        self._request = request
        self._answer = answer
        self._id = new_id("resp")
        self._created_at = int(time.time())
        self._output: list[dict[str, Any]] = []
        self._sequence_number = 0
        self._chunks = 0

    def frames(self) -> Iterator[Frame]:
        yield self._frame("response.created", response=self._response("in_progress"))
        yield self._frame("response.in_progress", response=self._response("in_progress"))
        for part in self._answer.parts:
            match part:
                case Text():
                    yield from self._text(part)
                case Calls():
                    for call in part.each:
                        yield from self._call(call, part)
                case Reasoning():
                    yield from self._reasoning(part)
        yield self._frame("response.completed", is_last=True, response=self._response("completed"))

    def whole(self) -> dict[str, Any]:
        for _ in self.frames():
            pass
        return self._response("completed")

    def broken(self, event: str, code: str, message: str) -> Frame:
        if event == "error":
            return self._frame("error", code=code, message=message, param=None)
        response = self._response(event.removeprefix("response."))
        if event == "response.incomplete":
            response["incomplete_details"] = {"reason": code}
        else:
            response["error"] = {"code": code, "message": message}
        return self._frame(event, response=response)

    def _text(self, part: Text) -> Iterator[Frame]:
        item = {"id": new_id("msg"), "type": "message", "role": "assistant"}
        empty = {"type": "output_text", "annotations": [], "logprobs": [], "text": ""}
        full = {**empty, "text": part.text}
        place: dict[str, Any] = {
            "item_id": item["id"],
            "output_index": len(self._output),
            "content_index": 0,
        }
        yield self._added({**item, "status": "in_progress", "content": []})
        yield self._frame("response.content_part.added", **place, part=empty)
        for delta in cut(part.text, part.chunk):
            yield self._chunk(
                "response.output_text.delta", part.gap_seconds, **place, delta=delta, logprobs=[]
            )
        yield self._frame("response.output_text.done", **place, text=part.text, logprobs=[])
        yield self._frame("response.content_part.done", **place, part=full)
        yield self._done({**item, "status": "completed", "content": [full]})

    def _call(self, call: Call, part: Calls) -> Iterator[Frame]:
        arguments = (
            call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
        )
        item = {
            "id": new_id("fc"),
            "type": "function_call",
            "name": call.name,
            "call_id": new_id("call") if call.call_id is None else call.call_id,
        }
        place: dict[str, Any] = {"item_id": item["id"], "output_index": len(self._output)}
        yield self._added({**item, "status": "in_progress", "arguments": ""})
        for delta in cut(arguments, part.chunk):
            yield self._chunk(
                "response.function_call_arguments.delta", part.gap_seconds, **place, delta=delta
            )
        yield self._frame("response.function_call_arguments.done", **place, arguments=arguments)
        yield self._done({**item, "status": "completed", "arguments": arguments})

    def _reasoning(self, part: Reasoning) -> Iterator[Frame]:
        item = {"id": new_id("rs"), "type": "reasoning"}
        full = {"type": "summary_text", "text": part.summary}
        place: dict[str, Any] = {
            "item_id": item["id"],
            "output_index": len(self._output),
            "summary_index": 0,
        }
        yield self._added({**item, "summary": []})
        yield self._frame(
            "response.reasoning_summary_part.added", **place, part={**full, "text": ""}
        )
        for delta in cut(part.summary, part.chunk):
            yield self._chunk(
                "response.reasoning_summary_text.delta", part.gap_seconds, **place, delta=delta
            )
        yield self._frame("response.reasoning_summary_text.done", **place, text=part.summary)
        yield self._frame("response.reasoning_summary_part.done", **place, part=full)
        sealed = {"encrypted_content": part.encrypted_content} if part.encrypted_content else {}
        yield self._done({**item, "summary": [full], **sealed})

    def _added(self, item: dict[str, Any]) -> Frame:
        return self._frame("response.output_item.added", output_index=len(self._output), item=item)

    def _done(self, item: dict[str, Any]) -> Frame:
        self._output.append(item)
        return self._frame(
            "response.output_item.done", output_index=len(self._output) - 1, item=item
        )

    def _chunk(self, event: str, gap_seconds: float, **fields: Any) -> Frame:
        self._chunks += 1
        return self._frame(event, is_chunk=True, gap_seconds=gap_seconds, **fields)

    def _frame(
        self,
        event: str,
        *,
        is_chunk: bool = False,
        is_last: bool = False,
        gap_seconds: float = 0.0,
        **fields: Any,
    ) -> Frame:
        body = {"type": event, "sequence_number": self._sequence_number, **fields}
        self._sequence_number += 1
        return Frame(body, event, is_chunk, is_last, gap_seconds)

    def _response(self, status: str) -> dict[str, Any]:
        body = self._request.body
        is_over = status != "in_progress"
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created_at,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": None,
            "instructions": body.get("instructions"),
            "max_output_tokens": body.get("max_output_tokens"),
            "metadata": body.get("metadata") or {},
            "model": body.get("model"),
            "output": list(self._output),
            "parallel_tool_calls": body.get("parallel_tool_calls", True),
            "previous_response_id": body.get("previous_response_id"),
            "reasoning": {"effort": None, "summary": None},
            "store": body.get("store", True),
            "temperature": 1.0,
            "text": {"format": {"type": "text"}},
            "tool_choice": body.get("tool_choice") or "auto",
            "tools": body.get("tools") or [],
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": self._usage() if is_over else None,
            "user": None,
        }

    def _usage(self) -> dict[str, Any]:
        given = self._request.size_tokens
        return {
            "input_tokens": given,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": self._chunks,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": given + self._chunks,
        }
