"""A reply as a client receives it: when each delta came, and how many bytes there were."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field

import orjson

from benchmarks.processes import HOST

ANSWER_SECONDS = 120.0
FRAME = b"data: "
DELTA = b'.text_delta"'
_RUN_ID = re.compile(rb"verbatim-run: ([0-9a-f-]{36})", re.IGNORECASE)


@dataclass
class Reply(asyncio.Protocol):
    """Reads no more of HTTP than it must: the frames' marks, which nothing else contains."""

    #: Of the request, and of each first sign; seconds of the same clock.
    asked_at: float = 0.0
    first_frame_at: float = 0.0
    #: When each delta arrived.
    deltas: list[float] = field(default_factory=list)
    received_bytes: int = 0

    def __post_init__(self) -> None:
        self._changed = asyncio.Event()
        self.is_over = False
        self.run_id = ""
        self._tail = b""

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        if not self.received_bytes:
            self._read_head(data)
        self.received_bytes += len(data)
        # A mark may be cut in two; one that ends in the tail has been counted.
        whole = self._tail + data
        if not self.first_frame_at and FRAME in whole:
            self.first_frame_at = now
        if found := whole.count(DELTA) - self._tail.count(DELTA):
            self.deltas += [now] * found
            self._changed.set()
        self._tail = whole[1 - len(DELTA) :]

    def connection_lost(self, error: Exception | None) -> None:
        self.is_over = True
        self._changed.set()

    async def until(self, deltas: int) -> None:
        """Until so many have come, or the end."""
        async with asyncio.timeout(ANSWER_SECONDS):
            while len(self.deltas) < deltas and not self.is_over:
                self._changed.clear()
                await self._changed.wait()

    async def end(self) -> None:
        async with asyncio.timeout(ANSWER_SECONDS):
            while not self.is_over:
                self._changed.clear()
                await self._changed.wait()

    def _read_head(self, data: bytes) -> None:
        if not data.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"the server answered {data.splitlines()[0].decode()}")
        if run := _RUN_ID.search(data):
            self.run_id = run[1].decode()


async def ask(port: int, wish: str, *, token: str = "") -> Reply:
    """Sends a message that begins a thread; answers once it is sent."""
    content = [{"type": "input_text", "text": wish}]
    sent = {"content": content, "attachments": [], "inference_options": {}}
    body = orjson.dumps({"type": "threads.create", "params": {"input": sent}})
    return await _request(port, b"POST /chatkit", token, body=body)


async def resume(port: int, run_id: str, seq: int, *, token: str) -> Reply:
    path = b"GET /chatkit/runs/%b/stream" % run_id.encode()
    return await _request(port, path, token, last=f"{run_id}:{seq}")


async def _request(
    port: int, line: bytes, token: str, *, body: bytes = b"", last: str = ""
) -> Reply:
    loop = asyncio.get_running_loop()
    transport, reply = await loop.create_connection(Reply, HOST, port)
    headers = {
        "Host": f"localhost:{port}",
        "Connection": "close",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **({"Authorization": f"Bearer {token}"} if token else {}),
        **({"Last-Event-ID": last} if last else {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    reply.asked_at = time.perf_counter()
    transport.write(line + b" HTTP/1.1\r\n" + head.encode() + b"\r\n" + body)
    return reply
