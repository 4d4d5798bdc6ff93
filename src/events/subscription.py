"""Catch up with the log, then follow it: every event once, in position order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import structlog

from events.group_commit import DISCONNECTED
from events.signal import LogSignal
from events.store import PAGE_EVENTS, EventStore
from events.stored import StoredEvent

log = structlog.get_logger()

RETRY_SECONDS = 0.5


async def subscribe(
    store: EventStore,
    signal: LogSignal,
    after_position: int,
    *,
    categories: Sequence[str] | None = None,
    limit: int = PAGE_EVENTS,
) -> AsyncIterator[list[StoredEvent]]:
    """Batches of stored events after a position, for ever; a lost connection is retried.

    A batch may be empty when the log moved on without an event of the categories asked for.
    """
    position = after_position
    with signal.wakefulness.held():
        while True:
            up_to = signal.head
            try:
                batch = await store.read_log(position, limit=limit, categories=categories)
            except DISCONNECTED as error:
                log.warning("subscription_read_failed", error=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if batch:
                yield batch
            position = batch[-1].position or position if batch else max(position, up_to)
            if len(batch) < limit:
                await signal.wait_beyond(position)
