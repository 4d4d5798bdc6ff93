"""Databases for tests: one server per worker, one migrated template, a clone for each test."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import asyncpg

from runtime.embedded import EmbeddedServer, start

TEMPLATE = "template_migrated"
#: Tests may lose their data, so nothing has to reach the disk.
SETTINGS_FOR_TESTS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "64MB",
    "max_wal_size": "1GB",
}


class Server(Protocol):
    @property
    def url(self) -> str: ...

    def url_of(self, database: str) -> str: ...


@contextmanager
def embedded_server(data_dir: Path) -> Iterator[EmbeddedServer]:
    with start(data_dir, say=print, settings=SETTINGS_FOR_TESTS) as server:
        yield server


def make_template(server: Server, migrate: Callable[[str], Coroutine[Any, Any, object]]) -> str:
    async def make() -> None:
        await execute(server.url, f"CREATE DATABASE {TEMPLATE}")
        await migrate(server.url_of(TEMPLATE))

    run_apart(make())
    return TEMPLATE


@asynccontextmanager
async def cloned(server: Server, template: str) -> AsyncIterator[str]:
    """The URL of a copy of `template`, dropped afterwards together with its sessions."""
    name = f"test_{uuid.uuid4().hex}"
    await execute(server.url, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield server.url_of(name)
    finally:
        await execute(server.url, f"DROP DATABASE {name} WITH (FORCE)")


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def run_apart(work: Coroutine[Any, Any, None]) -> None:
    """In a thread, because the event loop of this one belongs to pytest-asyncio."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
