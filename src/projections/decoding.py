"""From the log to what the fold takes: what is folded, what is too new, what cannot be read."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from events import codec, conversation, task, user
from events.cipher import DataKey
from events.errors import ContentErased, NewerSchema, UnknownTopic
from events.event import resolve_topic
from events.stored import RecordedEvent, StoredEvent
from projections import statements

FOLDED_CATEGORIES = frozenset({conversation.CATEGORY, task.CATEGORY})


@dataclass(frozen=True, slots=True)
class Decoded:
    """A stored event, and what reading it gave: the event, or why it cannot be read."""

    stored: StoredEvent
    outcome: RecordedEvent | Exception

    @property
    def event(self) -> RecordedEvent:
        """Raises what reading the event raised."""
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def split_known(
    stored: Sequence[StoredEvent],
) -> tuple[Sequence[StoredEvent], UnknownTopic | NewerSchema | None]:
    """The events up to the first that this release cannot know, and what is wrong with that one."""
    for n, event in enumerate(stored):
        where = f" at {event.stream_id} version {event.stream_version} (position {event.position})"
        try:
            cls = resolve_topic(event.topic)
        except UnknownTopic:
            return stored[:n], UnknownTopic(event.topic, where)
        if event.schema_version > cls.schema_version:
            newer = NewerSchema(event.topic, event.schema_version, cls.schema_version, where)
            return stored[:n], newer
    return stored, None


def is_folded(stored: StoredEvent) -> bool:
    return (
        stored.stream_id.partition("-")[0] in FOLDED_CATEGORIES or stored.topic == user.Erased.topic
    )


async def erasures(
    reader: asyncpg.Pool | asyncpg.Connection, up_to_position: int
) -> Mapping[str, int]:
    """Of each owner who was erased, up to where: nothing before it makes a row."""
    rows = await reader.fetch(statements.load("erasures"), up_to_position)
    return {row["stream_id"].removeprefix(user.stream_of("")): row["position"] for row in rows}


def is_due(stored: StoredEvent, up_to_position: int, erased: Mapping[str, int]) -> bool:
    """Whether it makes a row when its stream is folded from the beginning."""
    if stored.position is None or stored.position > up_to_position:
        return False
    return not erased or stored.position > erased.get(stored.owner_id, 0)


def decode(stored: Iterable[StoredEvent], keys: Mapping[uuid.UUID, DataKey]) -> Iterable[Decoded]:
    """The events whose content was not erased."""
    for event in stored:
        try:
            yield Decoded(event, _read(event, keys))
        except ContentErased:
            # Its owner's rows were or will be swept; a rebuild finds nothing here either.
            continue
        except Exception as error:
            yield Decoded(event, error)


def readable(decoded: Iterable[Decoded]) -> list[RecordedEvent]:
    return [d.outcome for d in decoded if isinstance(d.outcome, RecordedEvent)]


def data_keys_of(
    decoded: Sequence[Decoded], keys: Mapping[uuid.UUID, DataKey]
) -> dict[str, DataKey]:
    """The key that each owner's newest event is encrypted under: rows are sealed with it."""
    newest = {each.stored.owner_id: each.stored for each in decoded}
    key_ids = {owner_id: codec.key_id_of(stored) for owner_id, stored in newest.items()}
    return {owner_id: keys[key_id] for owner_id, key_id in key_ids.items() if key_id in keys}


def _read(stored: StoredEvent, keys: Mapping[uuid.UUID, DataKey]) -> RecordedEvent:
    if stored.topic != user.Erased.topic:
        return codec.decode(stored, keys)
    # What it says stands in its stream id, and its own key may be gone as well.
    return RecordedEvent(
        stream_id=stored.stream_id,
        stream_version=stored.stream_version,
        event_id=str(stored.event_id),
        event=user.Erased(keys=0),
        owner_id=stored.owner_id,
        recorded_at=stored.recorded_at,
        position=stored.position,
    )
