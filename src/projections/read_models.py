"""The queries: what the API, the chat page and the agent read. One statement each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, TypeVar

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncEngine

from events import conversation
from events.keys import KeyRing
from events.signal import LogSignal
from projections import conversations, messages, runs, selects, tasks, thread_items, usage_totals
from projections.conversations import ConversationRow
from projections.errors import InvalidCursor, UnknownBranch
from projections.generations import definition
from projections.log_tables import NO_KEY, OWNER_OF_STREAM
from projections.messages import MessageRow
from projections.pages import (
    Order,
    Page,
    checked_id,
    moment_cursor,
    moment_parameters,
    ordinal_cursor,
    parse_ordinal_cursor,
)
from projections.reading import PATIENCE_SECONDS, Reader, Reading, Retry, once
from projections.replica import Position, Replica, ReplicaFirst
from projections.row_store import to_row
from projections.rows import ReadRow
from projections.runs import RunRow
from projections.searching import search_for
from projections.siblings import with_siblings
from projections.tables import ReadModel
from projections.tasks import TaskRow
from projections.thread_items import ThreadItemRow
from projections.usage_totals import Asked, UsageTotals

RowType = TypeVar("RowType", bound=ReadRow)


class ReadModels:
    """Every query takes the owner and sees that owner's own writes, or raises ReadModelBehind."""

    def __init__(
        self,
        engine: AsyncEngine,
        keys: KeyRing,
        *,
        progress: LogSignal,
        on_behind: Callable[[], None] = lambda: None,
        on_read: Callable[[], None] = lambda: None,
        retried: Retry = once,
        wanted: str | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
        replica: Replica | None = None,
    ) -> None:
        self._keys = keys
        self.replica = replica
        self._primary = Reader(
            engine,
            wanted or definition(),
            progress=progress,
            on_behind=on_behind,
            on_read=on_read,
            retried=retried,
            patience_seconds=patience_seconds,
        )
        self._reader: Reader | ReplicaFirst = self._primary

    def for_client(self, seen: Position | None) -> ReadModels:
        """For a client that says what it has written, and writes nothing now: the replica may
        answer, where there is one."""
        if self.replica is None or seen is None:
            return self
        reads = copy(self)
        reads._reader = ReplicaFirst(self._primary, self.replica, seen)
        return reads

    async def conversations_page(
        self,
        owner_id: str,
        *,
        limit: int,
        after: str | None = None,
        order: Order = "desc",
        query: str | None = None,
    ) -> Page[ConversationRow]:
        """By creation; deleted ones are left out. With a query those that hold all its words.

        Raises InvalidCursor and TooManyWords.
        """
        parameters = {"owner_id": owner_id, "limit": limit + 1, **moment_parameters(after)}
        shape = None
        if query is not None:
            wanted = search_for(query, await self._keys.living(owner_id))
            shape, parameters = wanted.shape, parameters | wanted.parameters
        statement = selects.conversations_page(order, has_after=after is not None, search=shape)
        return await self._page(
            conversations.MODEL,
            ConversationRow,
            await self._reader.read(statement, parameters),
            limit,
            lambda row: moment_cursor(row.created_at, row.id),
        )

    async def conversation(self, owner_id: str, conversation_id: str) -> ConversationRow | None:
        return await self._one(
            conversations.MODEL,
            ConversationRow,
            selects.conversation_by_id(),
            {"owner_id": owner_id, "row_id": conversation_id},
        )

    async def messages_page(
        self,
        owner_id: str,
        conversation_id: str,
        *,
        limit: int,
        after: str | None = None,
        order: Order = "asc",
        branch_id: str | None = None,
    ) -> Page[MessageRow]:
        """What the branch shows: one that is named, the one `after` is of, or the active one.

        Raises InvalidCursor and UnknownBranch.
        """
        parameters: dict[str, Any] = {"owner_id": owner_id, "conversation_id": conversation_id}
        if after is not None:
            parameters["after_ordinal"], of_branch = parse_ordinal_cursor(after)
            if branch_id not in (None, of_branch):
                raise InvalidCursor
            branch_id = of_branch
        if branch_id is not None:
            parameters["branch_id"] = branch_id
        statement = selects.messages_page(
            order, has_after=after is not None, has_branch=branch_id is not None
        )
        reading = await self._reader.read(statement, {**parameters, "limit": limit + 1})
        of_page = reading.branch_id
        if branch_id is not None and of_page is None:
            raise UnknownBranch
        return await self._page(
            messages.MODEL,
            MessageRow,
            reading,
            limit,
            lambda row: ordinal_cursor(row.ordinal, of_page or row.branch_id),
        )

    async def message(
        self, owner_id: str, conversation_id: str, message_id: str
    ) -> MessageRow | None:
        """A message or reply of any branch."""
        return await self._one(
            messages.MODEL,
            MessageRow,
            selects.message_by_id(),
            {"owner_id": owner_id, "conversation_id": conversation_id, "row_id": message_id},
        )

    async def thread_items_page(
        self,
        owner_id: str,
        conversation_id: str,
        *,
        limit: int,
        after: str | None = None,
        order: Order = "asc",
    ) -> Page[ThreadItemRow]:
        """What ChatKit shows of the active branch; `after` is an item's id.

        Raises InvalidCursor.
        """
        statement = selects.thread_items_page(order, has_after=after is not None)
        parameters: dict[str, Any] = {"owner_id": owner_id, "conversation_id": conversation_id}
        if after is not None:
            parameters["after_id"] = checked_id(after)
        reading = await self._reader.read(statement, {**parameters, "limit": limit + 1})
        if after is not None and reading.records[0]["anchor"] is None:
            raise InvalidCursor
        return await self._page(
            thread_items.MODEL, ThreadItemRow, reading, limit, lambda row: row.id
        )

    async def thread_item(
        self, owner_id: str, conversation_id: str, item_id: str
    ) -> ThreadItemRow | None:
        """An item of any branch, a hidden one too."""
        return await self._one(
            thread_items.MODEL,
            ThreadItemRow,
            selects.thread_item_by_id(),
            {"owner_id": owner_id, "conversation_id": conversation_id, "row_id": item_id},
        )

    async def thread_items(
        self, owner_id: str, conversation_id: str, item_ids: Sequence[str]
    ) -> list[ThreadItemRow]:
        """Those of the items that are there, of any branch, hidden ones too."""
        parameters: dict[str, Any] = {"owner_id": owner_id, "conversation_id": conversation_id}
        reading = await self._reader.read(
            selects.thread_items_by_id(), {**parameters, "row_ids": list(item_ids)}
        )
        return await self._rows(thread_items.MODEL, ThreadItemRow, reading)

    async def tasks_list(
        self,
        owner_id: str,
        *,
        status: str | None = None,
        limit: int,
        after: str | None = None,
        order: Order = "asc",
    ) -> Page[TaskRow]:
        """By creation; of one status or of all. Raises InvalidCursor."""
        statement = selects.tasks_page(
            order, has_after=after is not None, has_status=status is not None
        )
        parameters = {"owner_id": owner_id, "limit": limit + 1, **moment_parameters(after)}
        if status is not None:
            parameters["status"] = status
        return await self._page(
            tasks.MODEL,
            TaskRow,
            await self._reader.read(statement, parameters),
            limit,
            lambda row: moment_cursor(row.created_at, row.id),
        )

    async def run(self, owner_id: str | None, run_id: str) -> RunRow | None:
        """Without an owner anybody's run, and without waiting for anybody's writes."""
        statement = selects.run_by_id(has_owner=owner_id is not None)
        parameters = {"row_id": run_id} | ({"owner_id": owner_id} if owner_id is not None else {})
        return await self._one(runs.MODEL, RunRow, statement, parameters)

    async def unfinished_runs(self, owner_id: str, conversation_id: str) -> list[RunRow]:
        """Oldest first: the first one is active, the others wait."""
        reading = await self._reader.read(
            selects.unfinished_runs(), {"owner_id": owner_id, "conversation_id": conversation_id}
        )
        return await self._rows(runs.MODEL, RunRow, reading)

    async def all_unfinished_runs(self, after_id: str, *, limit: int) -> list[RunRow]:
        """Of all owners, by id, without waiting for anybody's writes."""
        reading = await self._reader.read(
            selects.all_unfinished_runs(), {"after_id": after_id, "limit": limit}
        )
        return await self._rows(runs.MODEL, RunRow, reading)

    async def usage(self, asked: Asked, *, limit: int, after: str | None = None) -> UsageTotals:
        """Deleted conversations count as well. Raises InvalidCursor."""
        parameters = usage_totals.parameters(asked, limit, after)
        statement = usage_totals.statement(asked, has_after=after is not None)
        return usage_totals.totals((await self._reader.read(statement, parameters)).records, limit)

    async def owner_of_conversation(self, conversation_id: str) -> str | None:
        """From the log itself, deleted ones too: to tell another's (403) from nobody's (404)."""
        found = await self._reader.fetch(
            OWNER_OF_STREAM, {"stream_id": conversation.stream_of(conversation_id)}
        )
        return found[0]["owner_id"] if found else None

    async def _one(
        self,
        model: ReadModel,
        kind: type[RowType],
        statement: Select[Any],
        parameters: dict[str, Any],
    ) -> RowType | None:
        rows = await self._rows(model, kind, await self._reader.read(statement, parameters))
        return rows[0] if rows else None

    async def _page(
        self,
        model: ReadModel,
        kind: type[RowType],
        reading: Reading,
        limit: int,
        cursor: Callable[[RowType], str],
    ) -> Page[RowType]:
        rows = await self._rows(model, kind, reading)
        shown = tuple(rows[:limit])
        has_more = len(rows) > limit
        return Page(
            rows=shown,
            has_more=has_more,
            after=cursor(shown[-1]) if has_more else None,
            position=reading.position,
            is_stale=reading.is_stale or any(row.is_stale for row in shown),
            branch_id=reading.branch_id,
        )

    async def _rows(self, model: ReadModel, kind: type[RowType], reading: Reading) -> list[RowType]:
        # A checkpoint without a row comes as one record whose columns of the row are null.
        records = [record for record in reading.records if record["owner_id"] is not None]
        data_keys = await self._keys.load({record["key_id"] or NO_KEY for record in records})
        found = (with_siblings(to_row(model, r, data_keys), r) for r in records)
        return [row for row in found if isinstance(row, kind)]
