"""The rows of one generation in the database: read, write, delete, within a transaction."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import asyncpg

from events import conversation, task
from events.cipher import DataKey
from events.keys import KeyRing
from projections import (
    branches,
    conversations,
    messages,
    runs,
    search,
    statements,
    tasks,
    thread_items,
    usage,
)
from projections.fold import MODELS, stream_of
from projections.log_tables import NO_KEY
from projections.rows import Key, ReadRow, Rows
from projections.sealing import seal, unseal
from projections.tables import ReadModel

#: The tables a conversation's deletion empties.
_PARTS = (branches.MODEL, messages.MODEL, thread_items.MODEL, runs.MODEL, search.MODEL)
#: Conversations after their parts, which are found through them.
_OWNED = (*_PARTS, usage.MODEL, conversations.MODEL, tasks.MODEL)


class RowStore:
    def __init__(self, connection: asyncpg.Connection, schema: str, keys: KeyRing) -> None:
        self._connection = connection
        self._schema = schema
        self._keys = keys

    async def rows(self, model: ReadModel, keys: Iterable[Key]) -> dict[Key, ReadRow]:
        return await self._fetch(
            model, statements.select_by_key(model.table, self._schema), _columns(keys)
        )

    async def write(self, rows: Rows, data_keys: Mapping[str, DataKey]) -> None:
        """Carry out what changed; `data_keys` holds the key to seal each owner's rows with."""
        await self._sweep(rows)
        await self._delete_all(rows)
        changed: dict[str, list[ReadRow]] = defaultdict(list)
        for key, row in rows.changed():
            changed[key[0]].append(row)
        for model in MODELS:
            if model.name in changed:
                await self._upsert(model, changed[model.name], data_keys)

    async def add(self, rows: Rows, data_keys: Mapping[str, DataKey], begun_stream_id: str) -> None:
        """As `write`, into a generation that is being filled: the rows of all streams but the one
        that was begun before do not exist, so they are copied in.

        Whoever's data key is gone by now is erased further on in the log, and swept there.
        """
        await self._sweep(rows)
        known: dict[str, list[ReadRow]] = defaultdict(list)
        new: dict[str, list[ReadRow]] = defaultdict(list)
        for key, row in rows.changed():
            is_new = stream_of(key[0], row) != begun_stream_id
            (new if is_new else known)[key[0]].append(row)
        await self._delete_all(rows)
        for model in MODELS:
            if model.name in known:
                await self._upsert(model, known[model.name], data_keys)
            if model.name in new:
                await self._copy(model, new[model.name], data_keys)

    async def delete_stream(self, stream_id: str) -> None:
        """Every row that the stream's events have made."""
        if stream_id.startswith(task.stream_of("")):
            await self._delete(tasks.MODEL, [tasks.task_key(task.id_of(stream_id))])
            return
        conversation_id = conversation.id_of(stream_id)
        await self._sweep_conversations([conversation_id], (*_PARTS, usage.MODEL))
        await self._delete(conversations.MODEL, [conversations.conversation_key(conversation_id)])

    async def _fetch(
        self, model: ReadModel, statement: str, parameters: Sequence[Any]
    ) -> dict[Key, ReadRow]:
        records = await self._connection.fetch(statement, *parameters)
        data_keys = await self._keys.load({r["key_id"] or NO_KEY for r in records})
        rows = (to_row(model, record, data_keys) for record in records)
        return {model.key_of(row): row for row in rows if row is not None}

    async def _sweep(self, rows: Rows) -> None:
        if conversation_ids := [s.conversation_id for s in rows.sweeps if s.conversation_id]:
            await self._sweep_conversations(conversation_ids)
        if owner_ids := [s.owner_id for s in rows.sweeps if s.owner_id]:
            for model in _OWNED:
                statement = statements.delete_of_owners(model.table, self._schema)
                await self._connection.execute(statement, owner_ids)

    async def _sweep_conversations(
        self, conversation_ids: Sequence[str], models: Sequence[ReadModel] = _PARTS
    ) -> None:
        for model in models:
            statement = statements.delete_of_conversations(model.table, self._schema)
            await self._connection.execute(statement, conversation_ids)

    async def _delete_all(self, rows: Rows) -> None:
        deleted: dict[str, list[Key]] = defaultdict(list)
        for key in rows.deleted():
            deleted[key[0]].append(key)
        for model in MODELS:
            if model.name in deleted:
                await self._delete(model, deleted[model.name])

    async def _delete(self, model: ReadModel, keys: Sequence[Key]) -> None:
        statement = statements.delete_by_key(model.table, self._schema)
        await self._connection.execute(statement, *_columns(keys))

    async def _upsert(
        self, model: ReadModel, rows: Sequence[ReadRow], data_keys: Mapping[str, DataKey]
    ) -> None:
        sealed = [seal(model, row, data_keys[row.owner_id]) for row in rows]
        key_ids = [_stored_id(data_keys[row.owner_id].key_id) for row in rows]
        plain = [
            statements.parameter(model.table.c[name], [getattr(row, name) for row in rows])
            for name in model.plain
        ]
        statement = statements.upsert(model.table, self._schema)
        await self._connection.execute(statement, *plain, sealed, key_ids)

    async def _copy(
        self, model: ReadModel, rows: Sequence[ReadRow], data_keys: Mapping[str, DataKey]
    ) -> None:
        await self._connection.copy_records_to_table(
            model.name,
            schema_name=self._schema,
            columns=(*model.plain, "sealed", "key_id"),
            records=(_record(model, row, data_keys[row.owner_id]) for row in rows),
        )


def _record(model: ReadModel, row: ReadRow, data_key: DataKey) -> tuple[Any, ...]:
    """Its values in the order of the columns."""
    return (*model.plain_of(row), seal(model, row, data_key), _stored_id(data_key.key_id))


def to_row(
    model: ReadModel, record: Mapping[str, Any], data_keys: Mapping[uuid.UUID, DataKey]
) -> ReadRow | None:
    """None when the row's data key was destroyed: to every reader it is not there."""
    data_key = data_keys.get(record["key_id"] or NO_KEY)
    if data_key is None:
        return None
    plain = {name: record[name] for name in model.plain}
    row_key = (model.name, *(plain[name] for name in model.primary_key))
    content = unseal(model, row_key, record["sealed"], data_key)
    return model.row(**plain, **content, is_stale=record.get("is_stale", False))


def _columns(keys: Iterable[Key]) -> list[list[str]]:
    """The parameters of a statement by key: one array for each primary key column."""
    return [list(column) for column in zip(*(key[1:] for key in keys), strict=True)]


def _stored_id(key_id: uuid.UUID) -> uuid.UUID | None:
    return key_id if key_id != NO_KEY else None
