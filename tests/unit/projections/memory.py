"""A generation in memory: the row source of the law tests, fed through the room's own loader."""

from __future__ import annotations

import asyncio
import hashlib
import math
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from events.cipher import DataKey
from events.stored import RecordedEvent
from projections.branch_rows import BranchRow, branch_key
from projections.fold import MODELS, fold
from projections.loading import load
from projections.rows import Key, ReadRow, Rows
from projections.tables import ReadModel

RowType = TypeVar("RowType", bound=ReadRow)


class _DataKeys(dict[str, DataKey]):
    def __missing__(self, owner_id: str) -> DataKey:
        secret = hashlib.sha256(owner_id.encode()).digest()
        self[owner_id] = DataKey(uuid.uuid5(uuid.NAMESPACE_OID, owner_id), owner_id, secret)
        return self[owner_id]


#: Of whoever is asked for.
DATA_KEYS = _DataKeys()


class MemoryRows:
    def __init__(self) -> None:
        self.stored: dict[Key, ReadRow] = {}

    async def rows(self, model: ReadModel, keys: Iterable[Key]) -> dict[Key, ReadRow]:
        return {key: self.stored[key] for key in keys if key in self.stored}

    def write(self, rows: Rows) -> None:
        for sweep in rows.sweeps:
            for key, row in list(self.stored.items()):
                is_part = sweep.conversation_id == getattr(row, "conversation_id", "")
                is_swept = is_part and not row.outlives_conversation
                if is_swept or row.owner_id == sweep.owner_id:
                    del self.stored[key]
        for key in rows.deleted():
            self.stored.pop(key, None)
        for key, row in rows.changed():
            assert key == _model_of(key).key_of(row)
            self.stored[key] = row

    def apply(self, events: Sequence[RecordedEvent], *, times: int = 1) -> None:
        """One batch, each event the given number of times in a row."""
        rows = asyncio.run(load(self, events, DATA_KEYS))
        for event in events:
            for _ in range(times):
                fold(rows, event)
        self.write(rows)


def folded(events: Sequence[RecordedEvent]) -> MemoryRows:
    memory = MemoryRows()
    memory.apply(events)
    return memory


def rows_of_branch(
    memory: MemoryRows, kind: type[RowType], conversation_id: str, branch_id: str | None
) -> list[RowType]:
    """By ordinal; followed from parent to parent, as the queries do."""
    found: list[Any] = []
    until = math.inf
    while branch_id:
        found += (
            row
            for row in memory.stored.values()
            if isinstance(row, kind) and _is_on(row, conversation_id, branch_id, until)
        )
        branch = memory.stored.get(branch_key(conversation_id, branch_id))
        assert branch is None or isinstance(branch, BranchRow)
        branch_id = branch.parent_id if branch else None
        until = branch.until_ordinal if branch and branch.until_ordinal else 0
    return sorted(found, key=lambda row: row.ordinal)


def _is_on(row: Any, conversation_id: str, branch_id: str, until: float) -> bool:
    place = (row.conversation_id, row.branch_id)
    return place == (conversation_id, branch_id) and row.ordinal <= until


def _model_of(key: Key) -> ReadModel:
    return next(model for model in MODELS if model.name == key[0])
