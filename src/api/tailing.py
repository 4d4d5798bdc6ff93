"""A stream of server-sent events that follows the log until nobody has use for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Protocol

import structlog
from sqlalchemy.exc import DBAPIError

from events.errors import EventError
from events.group_commit import DISCONNECTED
from projections.errors import ReadModelBehind
from runtime.node import Node

#: A tail without events ends after this long, so that a database nobody uses may sleep.
IDLE_SECONDS = 300.0
#: When a browser should come back by itself.
RETRY_MILLISECONDS = 15_000
#: Events that come close together are read together.
GATHER_SECONDS = 0.05
OUTAGE_SECONDS = 60.0
AWAY_SECONDS = 0.5

log = structlog.get_logger()


class Tail(Protocol):
    is_over: bool

    async def read(self) -> bytes:
        """What is to be sent since the last read; raises what a store does."""
        ...


async def follow(node: Node, tail: Tail, first: bytes) -> AsyncIterator[bytes]:
    """What the tail reads whenever the log went on, after a first read that was made already."""
    with node.metrics.open_stream(), node.signal.wakefulness.held():
        if first:
            yield first
        heard_at = time.monotonic()
        while not tail.is_over and time.monotonic() - heard_at < IDLE_SECONDS:
            head = node.signal.head
            chunk = await _read_patiently(tail)
            if chunk is None:
                return
            if chunk:
                heard_at = time.monotonic()
                yield chunk
                continue
            await _wait(node, head, heard_at + IDLE_SECONDS - time.monotonic())
        yield b"retry: %d\n\n" % RETRY_MILLISECONDS


async def _read_patiently(tail: Tail) -> bytes | None:
    """None when it will not get better."""
    lost_at = time.monotonic()
    while time.monotonic() - lost_at < OUTAGE_SECONDS:
        try:
            return await tail.read()
        except (*DISCONNECTED, DBAPIError, ReadModelBehind) as error:
            log.warning("tail_read_failed", error=type(error).__name__)
            await asyncio.sleep(AWAY_SECONDS)
        except EventError as error:
            log.info("tail_ended", error=type(error).__name__)
            return None
    return None


async def _wait(node: Node, head: int, seconds: float) -> None:
    await asyncio.sleep(GATHER_SECONDS)
    try:
        async with asyncio.timeout(max(seconds, 0)):
            await node.signal.wait_beyond(head)
    except TimeoutError:
        return
