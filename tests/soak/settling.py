"""Waits until there is nothing left to do, so that what stands in the database is the outcome."""

from __future__ import annotations

import asyncio

from projections.generations import definition
from tests.log_node import LogNode

PATIENCE_SECONDS = 90.0
LOOK_SECONDS = 0.1

_IS_SETTLED = """
SELECT NOT EXISTS (SELECT FROM verbatim.leases) AND NOT EXISTS (SELECT FROM verbatim.inbox)
    AND (SELECT position FROM verbatim.generations WHERE definition = $1 AND state = 'live')
        = (SELECT coalesce(max(position), 0) FROM verbatim.log)
"""


async def settled(node: LogNode) -> None:
    """While some node serves: no run unfinished, everything sealed and projected."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await node.pool.fetchval(_IS_SETTLED, definition()):
            await asyncio.sleep(LOOK_SECONDS)
