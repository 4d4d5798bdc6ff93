"""Summaries of what contexts no longer hold: made after a run, in the background, by any node.

A summary that is lost (a crash, a silent model) is made after the conversation's next run, and of
two nodes that make the same one the first to record it wins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from agent.claims import Claim
from agent.context_loader import load_turns
from agent.errors import AgentError
from agent.notes import extract, text_of, turns_to_sum_up
from agent.turns import Turn
from commands.conversation import CONVERSATION
from commands.conversation_state import Summary
from commands.errors import CommandError
from commands.handle import CommandHandler, Origin
from commands.summarizing import SUMMARY_CHARACTERS, RecordSummary
from events import conversation as c
from events.errors import EventError
from events.group_commit import DISCONNECTED
from events.storable import make_storable
from events.store import EventStore
from events.stored import RecordedEvent
from events.wakefulness import Wakefulness

log = structlog.get_logger()

#: Summaries made at the same time, so that they leave the model's host to the runs.
WORKERS = 2
WAITING_RUNS = 1_000
#: Messages that one summary takes in, at most.
MESSAGES = 200


@dataclass(frozen=True, slots=True)
class Written:
    text: str
    model: str
    usage: c.Usage


#: The former notes and the turns that are new, to new notes.
Write = Callable[[str, Sequence[Turn]], Awaitable[Written]]


async def write_extract(notes: str, turns: Sequence[Turn]) -> Written:
    """Without a model."""
    return Written(extract(notes, turns), "extract", c.Usage())


class Summaries:
    def __init__(
        self,
        handler: CommandHandler,
        store: EventStore,
        write: Write,
        *,
        limit: int,
        wakefulness: Wakefulness,
        on_usage: Callable[[c.Usage], None] = lambda usage: None,
    ) -> None:
        self._handler = handler
        self._store = store
        self._write = write
        self._limit = limit
        self._wakefulness = wakefulness
        self._on_usage = on_usage
        self._completed: asyncio.Queue[Claim] = asyncio.Queue(WAITING_RUNS)

    async def newest(self, claim: Claim) -> RecordedEvent | None:
        """What the context of a run begins with."""
        return await self._recorded(claim, await self._summary(claim))

    def offer(self, claim: Claim) -> None:
        """A run has completed: what the next one's context will not hold is summed up."""
        if not self._completed.full():  # else after the next run
            self._completed.put_nowait(claim)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(self._work_forever())

    async def _work_forever(self) -> None:
        while True:
            claim = await self._completed.get()
            with self._wakefulness.held():
                await self._try(claim)

    async def _try(self, claim: Claim) -> None:
        bound = log.bind(conversation_id=claim.conversation_id, run_id=str(claim.run_id))
        try:
            if await self._sum_up(claim):
                bound.info("history_summarized")
        except CommandError as error:
            bound.info("summary_left", reason=type(error).__name__)
        except (AgentError, EventError, *DISCONNECTED) as error:
            bound.warning("summary_failed", error=type(error).__name__)
        except Exception:
            bound.exception("summary_failed")

    async def _sum_up(self, claim: Claim) -> bool:
        summary = await self._summary(claim)
        former = await self._recorded(claim, summary)
        run_id = str(claim.run_id)
        turns = await load_turns(self._store, claim.conversation_id, run_id, former, MESSAGES)
        covered = turns_to_sum_up(turns, self._limit) if turns else ()
        if not covered:
            return False
        written = await self._write(text_of(former), covered)
        self._on_usage(written.usage)
        text, _ = make_storable(written.text.strip()[:SUMMARY_CHARACTERS], SUMMARY_CHARACTERS)
        if not text:
            return False
        command = RecordSummary(
            after_summary_version=summary.version if summary else 0,
            from_version=covered[0].recorded.stream_version,
            through_version=max(turn.last_version for turn in covered),
            through_message_id=covered[-1].message.message_id,
            text=text,
            model=written.model,
            usage=written.usage,
        )
        origin = Origin(owner_id=claim.owner_id, actor="system", causation_id=run_id)
        stream_id = c.stream_of(claim.conversation_id)
        handled = await self._handler.handle(CONVERSATION, stream_id, command, origin)
        return bool(handled.events)

    async def _summary(self, claim: Claim) -> Summary | None:
        stream_id = c.stream_of(claim.conversation_id)
        _, state = await self._handler.load(CONVERSATION, stream_id, claim.owner_id)
        return state.summary

    async def _recorded(self, claim: Claim, summary: Summary | None) -> RecordedEvent | None:
        if summary is None:
            return None
        (recorded,) = await self._store.read_stream(
            c.stream_of(claim.conversation_id),
            after_version=summary.version - 1,
            up_to_version=summary.version,
        )
        return recorded
