"""Sends one turn over one connection, faults included."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from tests.wire.chat_completions import ChatWriter
from tests.wire.frames import Frame, Writer
from tests.wire.gate import Gate
from tests.wire.requests import WireRequest
from tests.wire.responses_api import ResponsesWriter
from tests.wire.turns import (
    Answer,
    DropConnection,
    ErrorMidStream,
    Hang,
    HttpError,
    SlowFirstByte,
    Turn,
    as_answer,
)


@dataclass
class Delivery:
    """An ASGI application for a single response."""

    request: WireRequest
    turn: Turn
    gate: Gate
    #: Set when the client left before the response was over.
    was_abandoned: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(_client_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            self.was_abandoned = not sending.done()
        finally:
            sending.cancel()
            leaving.cancel()
            await asyncio.wait({sending, leaving})
        if not sending.cancelled():
            sending.result()

    async def _send(self, send: Send) -> None:
        if isinstance(self.turn, HttpError):
            await _send_json(send, self.turn.status, _error_body(self.turn), self.turn.headers)
            return
        if isinstance(self.turn, Hang) and self.turn.after_chunks is None:
            await asyncio.Event().wait()
        if isinstance(self.turn, SlowFirstByte) and not self.turn.headers_first:
            await asyncio.sleep(self.turn.seconds)
        writer = self._writer()
        if self.request.is_stream:
            await self._send_stream(send, writer)
        else:
            await self._send_whole(send, writer)

    async def _send_stream(self, send: Send, writer: Writer) -> None:
        await _start(send, 200, {"content-type": "text/event-stream; charset=utf-8"})
        if isinstance(self.turn, SlowFirstByte) and self.turn.headers_first:
            await asyncio.sleep(self.turn.seconds)
        chunks = 0
        for frame in writer.frames():
            if self._fails_before(frame, chunks):
                await self._fail(send, writer)
                return
            if frame.is_chunk or frame.is_last:
                await self.gate.pass_by(chunks, self.request.last_user_text)
            if frame.gap_seconds:
                await asyncio.sleep(frame.gap_seconds)
            chunks += frame.is_chunk
            await send({"type": "http.response.body", "body": frame.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _send_whole(self, send: Send, writer: Writer) -> None:
        match self.turn:
            case ErrorMidStream(code=code, message=message):
                error = HttpError(500, code=code, message=message)
                await _send_json(send, 500, _error_body(error), {})
            case Hang():
                await asyncio.Event().wait()
            case DropConnection():
                await _start(send, 200, {"content-type": "application/json"})
            case _:
                await _send_json(send, 200, writer.whole(), {})

    def _fails_before(self, frame: Frame, chunks: int) -> bool:
        match self.turn:
            case (
                ErrorMidStream(after_chunks=limit)
                | DropConnection(after_chunks=limit)
                | Hang(after_chunks=int(limit))
            ):
                return frame.is_last or (frame.is_chunk and chunks >= limit)
            case _:
                return False

    async def _fail(self, send: Send, writer: Writer) -> None:
        match self.turn:
            case ErrorMidStream(event=event, code=code, message=message):
                frame = writer.broken(event, code, message)
                await send({"type": "http.response.body", "body": frame.encode()})
            case DropConnection(clean=True):
                await send({"type": "http.response.body", "body": b""})
            case Hang():
                await asyncio.Event().wait()
            # Returning in the middle of a body makes the server close the connection.

    def _writer(self) -> Writer:
        answer = _answer_of(self.turn)
        if self.request.api == "chat_completions":
            return ChatWriter(self.request, answer)
        return ResponsesWriter(self.request, answer)


def _answer_of(turn: Turn) -> Answer:
    match turn:
        case ErrorMidStream(answer=answer) | Hang(answer=answer) | DropConnection(answer=answer):
            return as_answer(answer)
        case SlowFirstByte(then=answer):
            return as_answer(answer)
        case HttpError():
            return Answer(())
        case _:
            return as_answer(turn)


def _error_body(error: HttpError) -> dict[str, object]:
    return {
        "error": {
            "message": error.message,
            "type": "invalid_request_error",
            "param": None,
            "code": error.code,
        }
    }


async def _send_json(send: Send, status: int, body: object, headers: object) -> None:
    given = dict(headers) if isinstance(headers, dict) else {}
    await _start(send, status, {"content-type": "application/json", **given})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


async def _start(send: Send, status: int, headers: dict[str, str]) -> None:
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})


async def _client_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
