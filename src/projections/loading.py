"""Brings the rows that a batch of events needs into memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from events import conversation
from events.cipher import DataKey
from events.stored import RecordedEvent
from projections import branches, fold, thread_items
from projections.branch_rows import branch_key
from projections.conversations import ConversationRow
from projections.messages import MessageRow
from projections.rows import Key, ReadRow, Rows
from projections.tables import ReadModel


class RowSource(Protocol):
    async def rows(self, model: ReadModel, keys: Iterable[Key]) -> dict[Key, ReadRow]:
        """The rows that exist, by key."""
        ...


async def load(
    source: RowSource, events: Sequence[RecordedEvent], data_keys: Mapping[str, DataKey]
) -> Rows:
    """The rows that the events may read or change; the other keys they name have no row.

    `data_keys` holds the key that each owner's rows are written with.
    """
    wanted: dict[str, set[Key]] = defaultdict(set)
    for event in events:
        for key in fold.keys(event):
            wanted[key[0]].add(key)
    found: dict[Key, ReadRow] = {}
    for model in fold.MODELS:
        if model is thread_items.MODEL:
            wanted[model.name].update(_items_of_open_calls(found))
        if wanted[model.name] and not model.is_write_only:
            found |= await source.rows(model, wanted[model.name])
    if active := set(_active_branches(found)) - wanted[branches.MODEL.name]:
        wanted[branches.MODEL.name] |= active
        found |= await source.rows(branches.MODEL, active)
    absent = (key for keys in wanted.values() for key in keys if key not in found)
    return Rows({**found, **dict.fromkeys(absent)}, data_keys)


def _items_of_open_calls(found: Mapping[Key, ReadRow]) -> Iterable[Key]:
    for row in found.values():
        if isinstance(row, MessageRow):
            yield from thread_items.keys_of_open_calls(row)


def _active_branches(found: Mapping[Key, ReadRow]) -> Iterable[Key]:
    """As the batch finds its conversations; the branches of its own events they name themselves."""
    for row in found.values():
        if isinstance(row, ConversationRow) and row.branch_id != conversation.MAIN_BRANCH:
            yield branch_key(row.id, row.branch_id)
