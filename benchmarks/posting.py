"""Whole authenticated requests over HTTP, 32 at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import orjson

from benchmarks.measures import Goal, Measure, Rate, compared
from benchmarks.pgbench import Pgbench, prepare
from benchmarks.plan import Plan
from benchmarks.processes import HOST
from benchmarks.server import database
from benchmarks.serving import served, token_of
from runtime.embedded import EmbeddedServer

CALLERS = 32
ANSWER_SECONDS = 30.0
MESSAGE = "Please plan the harvest for me. " * 15

Exchange = Callable[["Caller"], Awaitable[None]]


async def measure(server: EmbeddedServer, plan: Plan) -> list[Measure]:
    messages: list[Rate] = []
    renames: list[Rate] = []
    inserts: list[Rate] = []
    async with database(server, "posting_plain") as plain_url, database(server, "posting") as url:
        await prepare(plain_url)
        pgbench = Pgbench(plain_url)
        for _ in range(plan.rounds):
            inserts.append(await pgbench.insert(CALLERS, plan.round_seconds))
            # A server a round: the runs that were begun would wait for their model ever after.
            async with served(url) as ours:
                callers = [Caller(ours.port, f"user-{n}") for n in range(CALLERS)]
                await asyncio.gather(*(caller.begin() for caller in callers))
                renames.append(await _repeat(callers, rename, plan.round_seconds))
                messages.append(await _repeat(callers, post_message, plan.round_seconds))
    against = "pgbench, one INSERT a transaction, 32 clients"
    base = [rate.per_second for rate in inserts]
    return [
        compared(
            "POST of a user message until it is stored, its run begun, 32 at once",
            "/s",
            [rate.per_second for rate in messages],
            against,
            base,
            Goal(0.25, 0.15),
        ),
        compared(
            "POST /chatkit that stores one event and begins no run, 32 at once",
            "/s",
            [rate.per_second for rate in renames],
            against,
            base,
        ),
    ]


async def post_message(caller: Caller) -> None:
    """A new conversation each: runs of one conversation queue. The stream's first event says that
    the message is stored; leaving then stops nothing."""
    body = orjson.dumps({"message": MESSAGE})
    await caller.send(f"/api/{caller.user_id}/chat", body, accept="text/event-stream")
    await caller.receive_first_event()
    caller.hang_up()


async def rename(caller: Caller) -> None:
    caller.renamed += 1
    params = {"thread_id": caller.conversation_id, "title": f"The harvest {caller.renamed}"}
    await caller.send("/chatkit", orjson.dumps({"type": "threads.update", "params": params}))
    await caller.receive()


class Caller:
    """One keep-alive connection and the little of HTTP that the benchmark needs."""

    def __init__(self, port: int, user_id: str) -> None:
        self.user_id = user_id
        self.conversation_id = ""
        self.renamed = 0
        self._port = port
        self._token = token_of(user_id)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def begin(self) -> None:
        """A conversation to rename."""
        body = orjson.dumps({"message": MESSAGE})
        await self.send(f"/api/{self.user_id}/chat", body, accept="text/event-stream")
        event = await self.receive_first_event()
        self.conversation_id = orjson.loads(event)["conversation_id"]
        self.hang_up()

    async def send(self, path: str, body: bytes, accept: str = "application/json") -> None:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(HOST, self._port)
        self._writer.write(
            f"POST {path} HTTP/1.1\r\nHost: localhost:{self._port}\r\n"
            f"Authorization: Bearer {self._token}\r\nAccept: {accept}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )

    async def receive(self) -> bytes:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, head = await self._receive_head()
            lines = head.lower().splitlines()
            length = next(line for line in lines if line.startswith(b"content-length:"))
            return await reader.readexactly(int(length.partition(b":")[2]))

    async def receive_first_event(self) -> bytes:
        """The data of the first server-sent event."""
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, _ = await self._receive_head()
            while not (line := await reader.readuntil(b"\n")).startswith(b"data: "):
                pass
            return line.removeprefix(b"data: ")

    def hang_up(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def _receive_head(self) -> tuple[asyncio.StreamReader, bytes]:
        assert self._reader is not None
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"the server answered {head.splitlines()[0].decode()}")
        return self._reader, head


async def _repeat(callers: list[Caller], exchange: Exchange, seconds: float) -> Rate:
    latencies: list[float] = []
    started = time.perf_counter()

    async def repeat(caller: Caller) -> None:
        while (began := time.perf_counter()) < started + seconds:
            await exchange(caller)
            latencies.append(time.perf_counter() - began)

    await asyncio.gather(*map(repeat, callers))
    return Rate(len(latencies) / (time.perf_counter() - started), sorted(latencies))
