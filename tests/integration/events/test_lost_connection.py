"""A connection that ends while the server is still busy with the append it carried."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

import asyncpg

from events.conversation import Renamed, Started
from tests.log_node import append_to, log_node, new_stream

SOCKET = ".s.PGSQL.5432"


class Line:
    """A line to the server that can be cut on the client's side alone."""

    def __init__(self, server_dir: str) -> None:
        self._server = f"{server_dir}/{SOCKET}"
        self._clients: list[asyncio.StreamWriter] = []
        self._ends: list[asyncio.StreamWriter] = []
        self._copying: list[asyncio.Task[None]] = []

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(self._server)
        self._clients.append(writer)
        self._ends += [writer, server_writer]
        self._copying += [
            asyncio.create_task(_copy(reader, server_writer)),
            asyncio.create_task(_copy_all(server_reader, writer)),
        ]

    def cut(self) -> None:
        """The clients see their connections end; the server hears nothing of it."""
        for client in self._clients:
            client.transport.abort()
        self._clients.clear()

    async def close(self) -> None:
        for task in self._copying:
            task.cancel()
        await asyncio.gather(*self._copying, return_exceptions=True)
        for end in self._ends:
            end.transport.abort()


async def _copy_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Its end too: whoever cancels a statement waits for the server to hang up."""
    await _copy(reader, writer)
    writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while content := await reader.read(65_536):
            writer.write(content)
            await writer.drain()
    except OSError:
        return


@asynccontextmanager
async def line_to(url: str, folder: Path) -> AsyncIterator[tuple[Line, str]]:
    """A line, and the URL of the same database through it."""
    parts = urlsplit(url)
    line = Line(parse_qs(parts.query)["host"][0])
    server = await asyncio.start_unix_server(line.connect, folder / SOCKET)
    try:
        yield line, urlunsplit(parts._replace(query=f"host={quote(str(folder))}"))
    finally:
        server.close()
        await line.close()


async def test_append_that_commits_after_its_connection_was_lost_is_answered_as_stored(
    database_url: str, tmp_path: Path
) -> None:
    async with line_to(database_url, tmp_path) as (line, url), log_node(url) as node:
        stream = new_stream()
        await node.store.append(append_to(stream, 0))
        async with _held_head(database_url, stream) as blocked:
            asking = asyncio.create_task(
                node.store.append(append_to(stream, 1, Renamed(title="once")))
            )
            await blocked(1)
            line.cut()
            await blocked(2)
        async with asyncio.timeout(10):
            appended = await asking
        assert (appended.first_version, appended.last_version) == (2, 2)
        recorded = await node.store.read_stream(stream)
        assert [r.event for r in recorded] == [Started(), Renamed(title="once")]


@asynccontextmanager
async def _held_head(url: str, stream: str) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Holds a stream's head; what it gives waits until so many sessions wait for that."""
    holder = await asyncpg.connect(url)
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("SELECT FROM verbatim.heads WHERE stream_id = $1 FOR UPDATE", stream)
    watcher = await asyncpg.connect(url)

    async def blocked(sessions: int) -> None:
        async with asyncio.timeout(10):
            while sessions != await watcher.fetchval(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ):
                await asyncio.sleep(0.01)

    try:
        yield blocked
    finally:
        await transaction.rollback()
        await holder.close()
        await watcher.close()
