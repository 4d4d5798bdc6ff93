"""Reading a log: all of it, on from where a reader was, and once more when all is over."""

from __future__ import annotations

import asyncio
import time

from tests.conformance.log.history import History
from tests.conformance.log.protocol import Log, Recorded

MOST_EVENTS = 1_000
#: A log may hide events while any transaction of the server is open, one of autovacuum's as well.
PATIENCE_SECONDS = 2.0
PAUSE_SECONDS = 0.01


async def read_all(log: Log, after_position: int = 0) -> list[Recorded]:
    found: list[Recorded] = []
    while page := await log.read(after_position, MOST_EVENTS):
        found += page
        after_position = page[-1].position
        if len(page) < MOST_EVENTS:
            break
    return found


async def read_on(log: Log, history: History, reader: str, page_events: int) -> None:
    """Until there is nothing more."""
    while page := await log.read(history.last_position(reader), page_events):
        history.saw(reader, page)
        if len(page) < page_events:
            return


async def read_to_the_end(log: Log, history: History) -> list[Recorded]:
    """After the last transaction ended: the whole log from the history's base on, and all readers
    are brought to its end."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    await log.seal_or_noop()
    while (
        not history.is_complete(final := await read_all(log, history.base))
        and time.monotonic() < deadline
    ):
        await asyncio.sleep(PAUSE_SECONDS)
        await log.seal_or_noop()
    for reader in history.readings:
        await read_on(log, history, reader, MOST_EVENTS)
    return final
