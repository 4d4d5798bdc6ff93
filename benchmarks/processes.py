"""Servers in processes of their own, and the processor time that a process has used."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import uvicorn
from starlette.types import ASGIApp

from runtime.collector import rest_collector

HOST = "127.0.0.1"
STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Served:
    port: int
    process_id: int

    @property
    def cpu_seconds(self) -> float:
        return cpu_seconds_of(self.process_id)


@asynccontextmanager
async def process_of(
    module: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Served]:
    """`python -m module`, which begins by printing the port it listens at."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        env={**os.environ, **(environment or {})},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield Served(int(await process.stdout.readline()), process.pid)
    finally:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()


def serve(app: ASGIApp) -> None:
    """As `verbatim serve` does, in the process that `process_of` started."""
    config = uvicorn.Config(
        app,
        host=HOST,
        port=0,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    rest_collector()
    listening = config.bind_socket()
    listening.listen(512)
    print(listening.getsockname()[1], flush=True)
    uvicorn.Server(config).run(sockets=[listening])


async def database_cpu_seconds(url: str) -> float:
    """What the sessions of a database have used, but for the one that asks."""
    connection = await asyncpg.connect(url)
    try:
        sessions = await connection.fetch(
            "SELECT pid FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()
    return sum(cpu_seconds_of(session["pid"]) for session in sessions)


def cpu_seconds_of(process_id: int) -> float:
    """All threads together; 0 where there is no /proc."""
    try:
        threads = list(Path(f"/proc/{process_id}/task").iterdir())
        used = [(thread / "schedstat").read_text().split()[0] for thread in threads]
    except OSError:
        return 0.0
    return sum(map(int, used)) / 1e9
