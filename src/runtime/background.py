"""Background tasks that go on whatever happens, and say what happened."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger()

PAUSE_SECONDS = 0.5
PAUSE_LIMIT_SECONDS = 30.0

Work = Callable[[], Awaitable[object]]


async def keep_running(name: str, work: Work) -> None:
    """Until the work ends by itself or is cancelled; after an unexpected error it begins again."""
    pause = PAUSE_SECONDS
    while True:
        try:
            await work()
            return
        except Exception:
            log.exception("background_task_broke", task=name)
        await asyncio.sleep(pause)
        pause = min(pause * 2, PAUSE_LIMIT_SECONDS)


async def end_process_on_error(name: str, work: Work) -> None:
    """For work that cannot begin again: a process without it must not look alive."""
    try:
        await work()
    except Exception:
        log.exception("node_failed", task=name)
        os.kill(os.getpid(), signal.SIGTERM)
