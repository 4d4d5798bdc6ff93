"""A generation in memory: the row source of the law tests, fed through the room's own loader."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from events.stored import RecordedEvent
from projections.fold import MODELS, fold
from projections.loading import load
from projections.rows import Key, ReadRow, Rows
from projections.tables import ReadModel


class MemoryRows:
    def __init__(self) -> None:
        self.stored: dict[Key, ReadRow] = {}

    async def rows(self, model: ReadModel, keys: Iterable[Key]) -> dict[Key, ReadRow]:
        return {key: self.stored[key] for key in keys if key in self.stored}

    async def active_rows_after(
        self, model: ReadModel, anchors: Sequence[tuple[str, int]]
    ) -> dict[Key, ReadRow]:
        return {
            key: row
            for key, row in self.stored.items()
            if isinstance(row, model.row) and _is_after(row, anchors)
        }

    def write(self, rows: Rows) -> None:
        for sweep in rows.sweeps:
            for key, row in list(self.stored.items()):
                is_part = sweep.conversation_id == getattr(row, "conversation_id", "")
                if is_part or row.owner_id == sweep.owner_id:
                    del self.stored[key]
        for key in rows.deleted():
            self.stored.pop(key, None)
        for key, row in rows.changed():
            assert key == _model_of(key).key_of(row)
            self.stored[key] = row

    def apply(self, events: Sequence[RecordedEvent], *, times: int = 1) -> None:
        """One batch, each event the given number of times in a row."""
        rows = asyncio.run(load(self, events))
        for event in events:
            for _ in range(times):
                fold(rows, event)
        self.write(rows)


def folded(events: Sequence[RecordedEvent]) -> MemoryRows:
    memory = MemoryRows()
    memory.apply(events)
    return memory


def _is_after(row: ReadRow, anchors: Sequence[tuple[str, int]]) -> bool:
    return row.is_active and any(  # type: ignore[attr-defined]
        row.conversation_id == conversation_id and row.ordinal > ordinal  # type: ignore[attr-defined]
        for conversation_id, ordinal in anchors
    )


def _model_of(key: Key) -> ReadModel:
    return next(model for model in MODELS if model.name == key[0])
