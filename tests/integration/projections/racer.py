"""One of several workers that project through PgBouncer, as a process that may be killed.

    python -m tests.integration.projections.racer <pooled URL> <folder>

Whoever comes first to a message of TRAPS stays inside its transaction there, says so on standard
output and stops: a marker in the folder tells the others that it happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import structlog

from events import conversation as c
from events.group_commit import GroupCommit
from events.keys import PostgresKeyRing
from events.poller import Poller
from events.sealer import Sealer
from events.signal import LogSignal
from events.store import EventStore
from events.stored import RecordedEvent
from projections import batches
from projections.fold import fold
from projections.projector import Projector
from projections.rows import Rows
from runtime.database import open_database
from runtime.urls import database_urls
from tests.log_node import EVENT_KEY

TRAPS = ("killed here", "stalled here")
POLL_SECONDS = 0.02


async def main(url: str, folder: Path) -> None:
    batches.fold = _trapped(folder)  # type: ignore[assignment]
    async with open_database(database_urls(url), direct_connections=4) as database:
        pool, log_signal = database.direct, LogSignal()
        sealer = Sealer(pool, log_signal)
        store = EventStore(pool, PostgresKeyRing(pool, EVENT_KEY), GroupCommit(pool))
        projector = Projector(pool, store, log_signal, batch_events=20)
        poller = Poller(sealer, log_signal, every_seconds=POLL_SECONDS)
        print("ready", flush=True)
        with log_signal.wakefulness.held():
            await asyncio.gather(sealer.run(), projector.run(), poller.run())


def _trapped(folder: Path):  # type: ignore[no-untyped-def]
    def trapped(rows: Rows, event: RecordedEvent) -> None:
        fold(rows, event)
        if isinstance(event.event, c.UserMessagePosted) and event.event.text in TRAPS:
            with contextlib.suppress(FileExistsError):
                (folder / event.event.text).touch(exist_ok=False)
                print(event.event.text, flush=True)
                os.kill(os.getpid(), signal.SIGSTOP)

    return trapped


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
