"""One of many writers: transactions held open at random, and appends of the log's own kind."""

from __future__ import annotations

import asyncio
import contextlib
import random

from tests.conformance.log.history import AppendRecord, History
from tests.conformance.log.protocol import Log, Transaction

#: Streams that all writers append to; each has one of its own beside.
SHARED_STREAMS = [f"kit-shared-{n}" for n in range(6)]
MOST_STREAMS = 3
MOST_EVENTS = 4
LONGEST_HOLD_SECONDS = 0.02
SHARE_APPENDED_NOW = 0.3
SHARE_ROLLED_BACK = 0.1
SHARE_HELD = 0.5


class Writer:
    def __init__(self, log: Log, history: History, number: int, seed: int) -> None:
        self._log = log
        self._history = history
        self._number = number
        self._random = random.Random(f"{seed} {number}")
        self._own_streams = 0
        self.renew()

    def renew(self) -> None:
        """After an append without an answer: a stream whose end is known again."""
        self._own_streams += 1
        self._own = f"kit-own-{self._number}-{self._own_streams}"
        self._own_version = 0

    async def write(self) -> None:
        """One transaction."""
        if self._random.random() < SHARE_APPENDED_NOW:
            await self._append_now()
        else:
            await self._hold_open()

    async def _append_now(self) -> None:
        # To its own stream, so that it is known what was asked for if the answer never comes.
        record, n_events = self._history.transaction(), self._some(MOST_EVENTS)
        record.commit_began_at = began_at = self._history.tick()
        expected = self._own_version + 1
        record.appends = [AppendRecord(self._own, expected, n_events, began_at)]
        first = await self._log.append_now(self._own, n_events)
        record.committed_at = self._history.tick()
        record.appends = [AppendRecord(self._own, first, n_events, began_at)]
        self._own_version += n_events

    async def _hold_open(self) -> None:
        record = self._history.transaction()
        transaction = await self._log.begin()
        is_open = True
        try:
            for stream in self._choose_streams():
                record.appends.append(await self._append(transaction, stream))
            await self._hold()
            is_open = False
            if self._random.random() < SHARE_ROLLED_BACK:
                await transaction.rollback()
                return
            record.commit_began_at = self._history.tick()
            await transaction.commit()
            record.committed_at = self._history.tick()
        finally:
            if is_open:
                with contextlib.suppress(Exception):
                    await transaction.rollback()
        self._own_version += sum(a.n_events for a in record.appends if a.stream == self._own)

    async def _append(self, transaction: Transaction, stream: str) -> AppendRecord:
        await self._hold()
        began_at, n_events = self._history.tick(), self._some(MOST_EVENTS)
        await transaction.reserve(stream, n_events)
        await self._hold()
        first = await transaction.append(stream, n_events)
        return AppendRecord(stream, first, n_events, began_at)

    def _choose_streams(self) -> list[str]:
        # Sorted, so that two transactions never wait for each other in a ring.
        return sorted(self._random.sample([self._own, *SHARED_STREAMS], self._some(MOST_STREAMS)))

    async def _hold(self) -> None:
        if self._random.random() < SHARE_HELD:
            await asyncio.sleep(self._random.uniform(0, LONGEST_HOLD_SECONDS))

    def _some(self, limit: int) -> int:
        return self._random.randint(1, limit)
