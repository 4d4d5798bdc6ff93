"""Processes that share the work of a rebuild or of a check."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AsyncExitStack, contextmanager
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any

from cli.errors import CliError
from cli.opened import open_log

if TYPE_CHECKING:
    from cli.opened import OpenLog
    from projections.comparing import Difference, Streams
    from projections.crews import Crew, LocalCrew, Pair
    from projections.generations import Generation
    from projections.partitions import Partition
    from projections.verifying import Verified
    from runtime.settings import Settings

#: A smaller log is read before other processes have started.
WORTHWHILE_EVENTS = 50_000


@contextmanager
def open_crew(
    settings: Settings, url: str, log: OpenLog, workers: int | None, head: int
) -> Iterator[Crew]:
    """As many processes as there are cores, where the log is worth it."""
    from projections.crews import LocalCrew

    hands = workers or (available_cores() if head >= WORTHWHILE_EVENTS else 1)
    if hands == 1:
        yield LocalCrew(log.pool, log.store)
        return
    with ProcessCrew(settings, url, hands) as crew:
        yield crew


def available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class ProcessCrew:
    def __init__(self, settings: Settings, url: str, hands: int) -> None:
        self.hands = hands
        self._pool = ProcessPoolExecutor(
            hands, multiprocessing.get_context("spawn"), _begin, (settings, url)
        )

    def __enter__(self) -> ProcessCrew:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    async def fill(self, partition: Partition) -> None:
        await self._do("fill", partition)

    async def compare(self, pair: Pair, streams: Streams) -> list[Difference]:
        found: list[Difference] = await self._do("compare", pair, streams)
        return found

    async def verify(self, live: Generation, streams: Streams) -> Verified:
        verified: Verified = await self._do("verify", live, streams)
        return verified

    async def _do(self, work: str, *arguments: object) -> Any:
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, _do, work, arguments)
        except BrokenProcessPool:
            raise CliError(
                "A worker process ended unexpectedly: run the command again, and it goes on where "
                "it was."
            ) from None


class _Worker:
    """What a worker process keeps from one piece of work to the next."""

    runner: asyncio.Runner
    crew: LocalCrew


def _begin(settings: Settings, url: str) -> None:
    from runtime.collector import rest_collector
    from runtime.logs import configure_logs

    # The process that started it is told, and stops it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    configure_logs("warning")
    stack = AsyncExitStack()
    _Worker.runner = asyncio.Runner()
    _Worker.crew = _Worker.runner.run(_open(settings, url, stack))
    rest_collector()
    Finalize(None, lambda: _Worker.runner.run(stack.aclose()), exitpriority=10)


def _end_with_parent() -> None:
    """Or it would wait for work for ever after its parent was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


async def _open(settings: Settings, url: str, stack: AsyncExitStack) -> LocalCrew:
    from projections.crews import LocalCrew

    log = await stack.enter_async_context(open_log(settings, url))
    return LocalCrew(log.pool, log.store)


def _do(work: str, arguments: Sequence[object]) -> Any:
    from events.errors import EventError
    from projections.errors import ProjectionError

    try:
        return _Worker.runner.run(getattr(_Worker.crew, work)(*arguments))
    except (EventError, ProjectionError) as error:
        # As a sentence: most errors cannot be sent from process to process.
        raise CliError(str(error)) from None
