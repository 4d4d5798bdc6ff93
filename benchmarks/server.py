"""A PostgreSQL server of its own for a run, durable as in production, with a database a variant."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg

from runtime.embedded import EmbeddedServer, start
from runtime.embedded.cluster import find_binaries
from runtime.migrations import migrate

TEMPLATE = "bench_template"
#: pgbench needs a connection for each of 256 clients; everything else is as it is served.
SETTINGS: Mapping[str, str] = {"max_connections": "400"}


@contextmanager
def bench_server() -> Iterator[EmbeddedServer]:
    with (
        tempfile.TemporaryDirectory(prefix="verbatim-bench-") as folder,
        start(Path(folder) / "data", say=lambda _: None, settings=SETTINGS) as server,
    ):
        yield server


async def make_template(server: EmbeddedServer) -> None:
    await execute(server.url, f"CREATE DATABASE {TEMPLATE}")
    await migrate(server.url_of(TEMPLATE))


@asynccontextmanager
async def database(server: EmbeddedServer, name: str) -> AsyncIterator[str]:
    """The URL of a migrated database, dropped afterwards."""
    await execute(server.url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
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


def program(name: str) -> Path:
    """pgbench comes with the server's own programs."""
    return find_binaries() / name
