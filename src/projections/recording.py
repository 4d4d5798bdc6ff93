"""Appends to the log which streams were parked and retried: once each, whoever folds them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg
import structlog

from events.errors import AppendError, VersionConflict
from events.event import Event
from events.group_commit import DISCONNECTED
from events.store import EventStore
from events.stored import Append, Companion
from events.system import READ_TABLES, SYSTEM_OWNER, Parked, Retried, projection_stream
from projections import statements

log = structlog.get_logger()

STREAM = projection_stream(READ_TABLES)
RETRY_SECONDS = 1.0
#: One append at most.
NOTES = 500


class ParkingRecorder:
    """Any number of nodes may run one each, and every generation notes what happens in it: of a
    stream that is parked already at that position nothing is said again."""

    def __init__(self, pool: asyncpg.Pool, store: EventStore) -> None:
        self._pool = pool
        self._store = store
        self._woken = asyncio.Event()
        #: What the log says, up to this version of its stream: positions by parked stream.
        self._version = 0
        self._parked: dict[str, int] = {}

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self.record()
            except (*DISCONNECTED, asyncpg.PostgresError, AppendError) as error:
                log.warning("parking_not_recorded", error=type(error).__name__)
                self._woken.set()
                await asyncio.sleep(RETRY_SECONDS)

    async def record(self) -> None:
        """Until nothing is left to record."""
        while await self._record_some():
            pass

    async def _record_some(self) -> bool:
        # Before the notes: what another node records from now on is a conflict here.
        await self._read()
        notes = await self._pool.fetch(statements.load("list_parking_notes"), NOTES)
        if not notes:
            return False
        note_ids = [note["note_id"] for note in notes]
        deletion = statements.load("delete_parking_notes")
        events = list(self._due(notes))
        if not events:
            await self._pool.execute(deletion, note_ids)
            return True
        try:
            await self._append(events, Companion(statement=deletion, values=(note_ids,)))
        except VersionConflict as error:
            log.info("parking_recorded_elsewhere", error=type(error).__name__)
        return True

    async def _read(self) -> None:
        for recorded in await self._store.read_stream(STREAM, after_version=self._version):
            self._version = recorded.stream_version
            match recorded.event:
                case Parked(stream_id=stream_id, position=position):
                    self._parked[stream_id] = position
                case Retried(stream_id=stream_id):
                    self._parked.pop(stream_id, None)

    def _due(self, notes: Iterable[Mapping[str, Any]]) -> Iterable[Event]:
        parked = dict(self._parked)
        for note in notes:
            stream_id, position, error = note["stream_id"], note["position"], note["error"]
            if error is None:
                if parked.pop(stream_id, None) is not None:
                    yield Retried(stream_id=stream_id)
            elif parked.get(stream_id) != position:
                parked[stream_id] = position
                yield Parked(stream_id=stream_id, position=position, error=error)

    async def _append(self, events: list[Event], deletion: Companion) -> None:
        await self._store.append(
            Append(
                stream_id=STREAM,
                expected_version=self._version,
                owner_id=SYSTEM_OWNER,
                events=events,
                actor="system",
                companions=(deletion,),
            )
        )
