"""The rows a fold works on, in memory: what was loaded, what changed since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import msgspec

from events.cipher import DataKey
from projections.errors import RowNotLoaded

#: A table's name and the values of its primary key.
Key = tuple[str, ...]


class ReadRow(msgspec.Struct, frozen=True, kw_only=True):
    """A struct and no dataclass: a fold replaces a few of them with every event."""

    #: Whether a row of a conversation stays when that is deleted.
    outlives_conversation: ClassVar[bool] = False

    owner_id: str
    #: Of what is read only. True when the row's stream is parked: newer events are not in the row.
    is_stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Siblings:
    """Which of the messages that stand in one place a row is, or is part of."""

    message_id: str
    #: From 1, in the order they were sent.
    number: int
    count: int
    previous_id: str | None
    next_id: str | None


RowType = TypeVar("RowType", bound=ReadRow)


@dataclass(frozen=True, slots=True)
class Sweep:
    """Every row of a conversation's parts, or every row of an owner, is deleted."""

    conversation_id: str | None = None
    owner_id: str | None = None


class Rows:
    """Rows by key; None stands for a row that is known not to exist.

    `is_all` says that what was not loaded does not exist either, as where streams are folded from
    their beginning.
    """

    def __init__(
        self,
        loaded: Mapping[Key, ReadRow | None],
        data_keys: Mapping[str, DataKey],
        *,
        is_all: bool = False,
    ) -> None:
        self._loaded = loaded
        self._data_keys = data_keys
        self._is_all = is_all
        self._rows: dict[Key, ReadRow | None] = dict(loaded)
        self._parts: dict[str, dict[Key, None]] = {}
        self._touched: dict[Key, None] = {}
        self._sweeps: list[Sweep] = []
        self._sweeps_before = 0
        self._journal: list[tuple[Key, ReadRow | None]] = []
        for key, row in loaded.items():
            self._file(key, row)

    def data_key(self, owner_id: str) -> DataKey:
        """What the owner's rows are written with."""
        return self._data_keys[owner_id]

    def get(self, key: Key, kind: type[RowType]) -> RowType | None:
        row = self._rows.get(key)
        if row is None and not self._is_all and key not in self._rows:
            raise RowNotLoaded(key)
        if row is not None and not isinstance(row, kind):
            raise TypeError(f"Row {'|'.join(key)} is a {type(row).__name__}, not {kind.__name__}.")
        return row

    def put(self, key: Key, row: ReadRow) -> None:
        self._set(key, row)

    def delete(self, key: Key) -> None:
        self._set(key, None)

    def of_conversation(self, kind: type[RowType], conversation_id: str) -> list[RowType]:
        """The loaded rows of one table that belong to a conversation."""
        keys = self._parts.get(conversation_id, {})
        return [row for key in keys if isinstance(row := self._rows[key], kind)]

    def sweep_conversation(self, conversation_id: str) -> None:
        """Delete the parts of a conversation, loaded or not; its own row stays."""
        for key in self._parts.get(conversation_id, {}):
            self._set(key, None)
        self._sweeps.append(Sweep(conversation_id=conversation_id))

    def sweep_owner(self, owner_id: str) -> None:
        """Delete every row of an owner, loaded or not."""
        owned = [key for key, row in self._rows.items() if row and row.owner_id == owner_id]
        for key in owned:
            self._set(key, None)
        self._sweeps.append(Sweep(owner_id=owner_id))

    def attempt(self) -> Rows:
        """A block whose changes are undone when it raises. Once an event, so no generator."""
        return self

    def __enter__(self) -> None:
        self._journal.clear()
        self._sweeps_before = len(self._sweeps)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            for key, before in reversed(self._journal):
                self._rows[key] = before
            del self._sweeps[self._sweeps_before :]

    @property
    def sweeps(self) -> list[Sweep]:
        """To be carried out before the changes."""
        return self._sweeps

    def changed(self) -> Iterable[tuple[Key, ReadRow]]:
        for key in self._touched:
            row = self._rows[key]
            if row is not None and row is not self._loaded.get(key):
                yield key, row

    def deleted(self) -> Iterable[Key]:
        return (k for k in self._touched if self._rows[k] is None and self._loaded.get(k))

    def all(self) -> dict[Key, ReadRow]:
        """As they stand now."""
        return {key: row for key, row in self._rows.items() if row is not None}

    def _set(self, key: Key, row: ReadRow | None) -> None:
        before = self._rows.get(key)
        if before is None and not self._is_all and key not in self._rows:
            raise RowNotLoaded(key)
        self._journal.append((key, before))
        self._rows[key] = row
        self._touched[key] = None
        if before is None:
            self._file(key, row)

    def _file(self, key: Key, row: ReadRow | None) -> None:
        conversation_id = getattr(row, "conversation_id", None)
        if row is not None and conversation_id is not None and not row.outlives_conversation:
            self._parts.setdefault(conversation_id, {})[key] = None
