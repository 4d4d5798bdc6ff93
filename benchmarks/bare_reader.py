"""The least that any rebuild does: read the log, decrypt it, decode it, in several processes."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, contextmanager

from cli.opened import open_log
from events.store import EventStore
from runtime.settings import Settings

PIECE_EVENTS = 25_000
#: The best of 1,000, 2,000 and 5,000.
PAGE_EVENTS = 5_000


@contextmanager
def bare_readers(settings: Settings, url: str, hands: int) -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(
        hands, multiprocessing.get_context("spawn"), _begin, (settings, url)
    ) as pool:
        list(pool.map(_read, [0] * hands * 2, [0] * hands * 2))
        yield pool


def read_all(pool: ProcessPoolExecutor, head: int) -> int:
    """How many events were decoded."""
    begins = range(0, head, PIECE_EVENTS)
    ends = [min(begin + PIECE_EVENTS, head) for begin in begins]
    return sum(pool.map(_read, begins, ends))


class _Worker:
    """What a process keeps from one piece to the next."""

    runner: asyncio.Runner
    store: EventStore
    stack: AsyncExitStack


def _begin(settings: Settings, url: str) -> None:
    _Worker.runner = asyncio.Runner()
    _Worker.stack = AsyncExitStack()
    _Worker.store = _Worker.runner.run(_open(settings, url))


async def _open(settings: Settings, url: str) -> EventStore:
    log = await _Worker.stack.enter_async_context(open_log(settings, url))
    return log.store


def _read(begin: int, end: int) -> int:
    return _Worker.runner.run(_decoded(begin, end))


async def _decoded(position: int, end: int) -> int:
    count = 0
    while page := await _Worker.store.read_log(position, up_to_position=end, limit=PAGE_EVENTS):
        count += len(await _Worker.store.decode(page))
        position = page[-1].position or end
    return count
