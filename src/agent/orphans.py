"""Runs that nobody works on and nobody will: what a restored backup brings along.

A lease is written in the transaction that requests a run and removed in the one that ends it, or
leaves it to its user's decision. So an unfinished run that has no lease and does not wait for its
user comes from a place whose leases were not kept. It is closed, never resumed: its tools may have
acted since. Were it left open, every later run of its conversation would wait behind it.
"""

from __future__ import annotations

import asyncio
import uuid

import structlog

from agent.leases import Leases
from agent.supervisor import CLOSED_REASON
from commands.conversation import CONVERSATION
from commands.errors import CommandError
from commands.handle import CommandHandler, Origin
from commands.run import InterruptRun
from events.conversation import stream_of
from events.errors import ContentErased
from events.signal import LogSignal
from projections.read_models import ReadModels
from projections.runs import RunRow

log = structlog.get_logger()

PAGE_RUNS = 500
#: How long to wait before each further attempt; after the last one the next start goes on.
RETRY_SECONDS = (1.0, 5.0, 25.0)


async def close_orphans(
    reads: ReadModels, leases: Leases, handler: CommandHandler, progress: LogSignal, head: int
) -> None:
    """Once the read tables are at `head`."""
    while progress.head < head:
        await progress.wait_beyond(progress.head)
    for pause in (*RETRY_SECONDS, None):
        try:
            await _close_all(reads, leases, handler)
        except Exception as error:  # what cannot be closed must not take the node down
            log.warning("orphans_not_closed", error=type(error).__name__)
            if pause is not None:
                await asyncio.sleep(pause)
        else:
            return


async def _close_all(reads: ReadModels, leases: Leases, handler: CommandHandler) -> None:
    after_id = ""
    while page := await reads.all_unfinished_runs(after_id, limit=PAGE_RUNS):
        held = await leases.held({uuid.UUID(run.id) for run in page})
        for run in page:
            if uuid.UUID(run.id) not in held:
                await _close(handler, run)
        after_id = page[-1].id


async def _close(handler: CommandHandler, run: RunRow) -> None:
    origin = Origin(owner_id=run.owner_id, actor="system", correlation_id=run.id)
    command = InterruptRun(run_id=run.id, reason=CLOSED_REASON)
    try:
        await handler.handle(CONVERSATION, stream_of(run.conversation_id), command, origin)
    except (CommandError, ContentErased) as error:
        # It has ended since, or its content was erased.
        log.info("orphan_left", run_id=run.id, reason=type(error).__name__)
    else:
        log.info("orphan_closed", run_id=run.id)
