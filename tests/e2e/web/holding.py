"""Holds the site's tasks, so that a tool that reads them is seen at work."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import asyncpg

from runtime.embedded import locate
from tests.e2e.web.site import Site

PATIENCE_SECONDS = 30.0


@contextmanager
def held_tasks(site: Site) -> Iterator[None]:
    """Nobody can read the list of tasks meanwhile. In a thread: a browser's steps wait in ours."""
    is_held, release = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as threads:
        holding = threads.submit(asyncio.run, _hold(locate(site.data_dir), is_held, release))
        try:
            if not is_held.wait(PATIENCE_SECONDS):
                raise TimeoutError("expected the tasks to be held, found them in use")
            yield
        finally:
            release.set()
            holding.result(PATIENCE_SECONDS)


async def _hold(url: str, is_held: threading.Event, release: threading.Event) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            schema = await connection.fetchval(
                "SELECT 'read_g' || generation FROM verbatim.generations WHERE state = 'live'"
            )
            await connection.execute(f"LOCK TABLE {schema}.tasks IN ACCESS EXCLUSIVE MODE")
            is_held.set()
            await asyncio.to_thread(release.wait)
    finally:
        await connection.close()
