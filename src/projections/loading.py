"""Brings the rows that a batch of events needs into memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from events import conversation
from events.stored import RecordedEvent
from projections import fold, messages, thread_items
from projections.messages import MessageRow, message_key
from projections.rows import Key, ReadRow, Rows
from projections.tables import ReadModel

#: The models whose rows leave the active branch when it forks.
BRANCHED = (messages.MODEL, thread_items.MODEL)


class RowSource(Protocol):
    async def rows(self, model: ReadModel, keys: Iterable[Key]) -> dict[Key, ReadRow]:
        """The rows that exist, by key."""
        ...

    async def active_rows_after(
        self, model: ReadModel, anchors: Sequence[tuple[str, int]]
    ) -> dict[Key, ReadRow]:
        """The active rows of each conversation beyond an ordinal."""
        ...


async def load(source: RowSource, events: Sequence[RecordedEvent]) -> Rows:
    """The rows that the events may read or change; the other keys they name have no row."""
    wanted: dict[str, set[Key]] = defaultdict(set)
    for event in events:
        for key in fold.keys(event):
            wanted[key[0]].add(key)
    found: dict[Key, ReadRow] = {}
    for model in fold.MODELS:
        if model is thread_items.MODEL:
            wanted[model.name].update(_items_of_open_calls(found))
        if wanted[model.name]:
            found |= await source.rows(model, wanted[model.name])
    if anchors := _forks(events, found):
        for model in BRANCHED:
            found |= await source.active_rows_after(model, anchors)
    absent = (key for keys in wanted.values() for key in keys if key not in found)
    return Rows({**found, **dict.fromkeys(absent)})


def _items_of_open_calls(found: Mapping[Key, ReadRow]) -> Iterable[Key]:
    for row in found.values():
        if isinstance(row, MessageRow):
            yield from thread_items.keys_of_open_calls(row)


def _forks(events: Sequence[RecordedEvent], found: Mapping[Key, ReadRow]) -> list[tuple[str, int]]:
    """Where branches begin. A message posted by the batch itself has nothing stored after it."""
    anchors: list[tuple[str, int]] = []
    for event in events:
        if isinstance(event.event, conversation.BranchForked):
            conversation_id = conversation.id_of(event.stream_id)
            message = found.get(message_key(conversation_id, event.event.message_id))
            if isinstance(message, MessageRow):
                anchors.append((conversation_id, message.ordinal))
    return anchors
