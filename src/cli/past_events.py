"""A stream up to a point in it: the events as they are stored, and what they say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import UUID

from cli.moments import Moment
from cli.opened import OpenLog
from events import codec
from events.cipher import DataKey
from events.errors import ContentErased
from events.stored import RecordedEvent, StoredEvent

#: With None where the content was erased.
Readable = tuple[StoredEvent, RecordedEvent | None]


async def stored_until(
    log: OpenLog, stream_id: str, moment: Moment, after_version: int = 0
) -> AsyncIterator[list[StoredEvent]]:
    """Pages; an empty one where the stream goes on, but only after the point."""
    async for page in log.store.stored_stream(stream_id, after_version=after_version):
        due = [stored for stored in page if not moment.has_passed(stored)]
        yield due
        if len(due) < len(page):
            return


async def pages_until(
    log: OpenLog, stream_id: str, moment: Moment, after_version: int = 0
) -> AsyncIterator[list[Readable]]:
    async for page in stored_until(log, stream_id, moment, after_version):
        yield await read_all(log, page)


async def events_until(log: OpenLog, stream_id: str, moment: Moment) -> list[Readable]:
    return [one async for page in pages_until(log, stream_id, moment) for one in page]


async def read_all(log: OpenLog, stored: Sequence[StoredEvent]) -> list[Readable]:
    keys = await log.keys.load(codec.key_ids_of(stored))
    return [(one, _read(one, keys)) for one in stored]


def _read(stored: StoredEvent, keys: Mapping[UUID, DataKey]) -> RecordedEvent | None:
    try:
        return codec.decode(stored, keys)
    except ContentErased:
        return None
