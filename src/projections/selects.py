"""The statements behind the queries: a page of rows, and in the same snapshot how fresh it is.

Each answers at least one record: the checkpoint, joined with the rows if there are any.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Subquery,
    Table,
    Text,
    any_,
    bindparam,
    false,
    func,
    null,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from events import conversation, task
from projections import conversations, messages, runs, tasks, thread_items
from projections.branch_selects import (
    CONVERSATION,
    LIMIT,
    OWNER,
    active_branch,
    branch_named,
    directed,
    page_of_branch,
    siblings_of,
)
from projections.log_tables import GENERATIONS, INBOX, LOG, PARKED
from projections.pages import Order
from projections.searching import is_found

_GENERATION = bindparam("generation", type_=Integer(), required=True)
_ROW = bindparam("row_id", type_=Text(), required=True)
_STREAM = func.concat(conversation.stream_of(""), CONVERSATION)
_AFTER_ID = bindparam("after_id", type_=Text(), required=True)
_AFTER_AT = bindparam("after_at", type_=DateTime(timezone=True), required=True)
_AFTER_ORDINAL = bindparam("after_ordinal", type_=BigInteger(), required=True)
_STATUS = bindparam("status", type_=Text(), required=True)


@cache
def conversations_page(
    order: Order, *, has_after: bool, search: tuple[int, int] | None = None
) -> Select[Any]:
    """Parameters: owner_id, limit; with has_after also after_at, after_id; where so many words are
    searched for under so many keys, also those of `searching.wanted`."""
    table = conversations.TABLE
    rows = _rows(table).where(table.c.owner_id == OWNER, table.c.status == conversations.ACTIVE)
    if search is not None:
        rows = rows.where(*is_found(*search))
    return _page(table, rows, order, ("created_at", "id"), _after_moment(has_after))


@cache
def conversation_by_id() -> Select[Any]:
    """Parameters: owner_id, row_id."""
    table = conversations.TABLE
    is_readable = (table.c.owner_id == OWNER, table.c.status == conversations.ACTIVE)
    return _joined(_rows(table).where(table.c.id == _ROW, *is_readable))


@cache
def messages_page(order: Order, *, has_after: bool, has_branch: bool) -> Select[Any]:
    """Parameters: owner_id, conversation_id, limit; with has_after also after_ordinal; with
    has_branch also branch_id, else the active branch is read."""
    table = messages.TABLE
    branch_id = branch_named() if has_branch else active_branch()
    after = _AFTER_ORDINAL if has_after else None
    page = page_of_branch(table, _of_conversation(table), branch_id, order, after)
    found = checkpoint(is_stale=_is_parked(_STREAM), branch_id=branch_id)
    return _with_siblings(page, page.c.id, found, order)


@cache
def message_by_id() -> Select[Any]:
    """Parameters: owner_id, conversation_id, row_id. Of any branch."""
    table = messages.TABLE
    return _joined(_of_conversation(table).where(table.c.id == _ROW))


@cache
def thread_items_page(order: Order, *, has_after: bool) -> Select[Any]:
    """Parameters: owner_id, conversation_id, limit; with has_after also after_id, an item's."""
    table = thread_items.TABLE
    rows = _of_conversation(table).where(table.c.is_hidden == false())
    anchor = (
        select(table.c.ordinal)
        .where(
            table.c.conversation_id == CONVERSATION,
            table.c.id == _AFTER_ID,
            table.c.owner_id == OWNER,
        )
        .scalar_subquery()
        if has_after
        else None
    )
    branch_id = active_branch()
    page = page_of_branch(table, rows, branch_id, order, anchor)
    found = checkpoint(is_stale=_is_parked(_STREAM), anchor=anchor, branch_id=branch_id)
    return _with_siblings(page, page.c.message_id, found, order)


@cache
def thread_item_by_id() -> Select[Any]:
    """Parameters: owner_id, conversation_id, row_id. Of any branch."""
    table = thread_items.TABLE
    return _joined(_of_conversation(table).where(table.c.id == _ROW))


@cache
def thread_items_by_id() -> Select[Any]:
    """Parameters: owner_id, conversation_id, row_ids. Of any branch."""
    table = thread_items.TABLE
    wanted = any_(bindparam("row_ids", type_=ARRAY(Text()), required=True))
    return _joined(_of_conversation(table).where(table.c.id == wanted))


@cache
def tasks_page(order: Order, *, has_after: bool, has_status: bool) -> Select[Any]:
    """Parameters: owner_id, limit; with has_status status; with has_after after_at, after_id."""
    table = tasks.TABLE
    rows = _rows(table).where(table.c.owner_id == OWNER)
    if has_status:
        rows = rows.where(table.c.status == _STATUS)
    return _page(table, rows, order, ("created_at", "id"), _after_moment(has_after))


@cache
def run_by_id(*, has_owner: bool) -> Select[Any]:
    """Parameters: row_id; with has_owner also owner_id. Without an owner it is never behind."""
    table = runs.TABLE
    rows = _rows(table).where(table.c.id == _ROW)
    if has_owner:
        return _joined(rows.where(table.c.owner_id == OWNER))
    return _joined(rows, checkpoint(is_behind=false()))


@cache
def unfinished_runs() -> Select[Any]:
    """Parameters: owner_id, conversation_id. In the order they were requested."""
    table = runs.TABLE
    rows = _rows(table).where(
        table.c.conversation_id == CONVERSATION,
        table.c.owner_id == OWNER,
        table.c.ended_at.is_(None),
    )
    page = rows.subquery("page")
    return _joined_page(page, checkpoint()).order_by(page.c.requested_at, page.c.turn)


@cache
def all_unfinished_runs() -> Select[Any]:
    """Parameters: after_id, limit. Of all owners, by id, without those that wait for their user;
    it is never behind."""
    table = runs.TABLE
    rows = _rows(table).where(
        table.c.ended_at.is_(None), table.c.status != "waiting", table.c.id > _AFTER_ID
    )
    page = rows.order_by(table.c.id).limit(LIMIT).subquery("page")
    return _joined_page(page, checkpoint(is_behind=false())).order_by(page.c.id)


def _rows(table: Table) -> Select[Any]:
    return select(table, _is_parked(_stream_of(table)).label("is_stale"))


def _of_conversation(table: Table) -> Select[Any]:
    return _rows(table).where(
        table.c.conversation_id == CONVERSATION,
        table.c.owner_id == OWNER,
    )


def _with_siblings(
    page: Subquery, message_id: ColumnElement[str], found: CTE, order: Order
) -> Select[Any]:
    siblings = siblings_of(page, message_id)
    rows = page.join(siblings, true())
    joined = select(found, page, siblings).select_from(found.outerjoin(rows, true()))
    return joined.order_by(*directed([page.c.ordinal], order))


def _stream_of(table: Table) -> ColumnElement[str]:
    if table is tasks.TABLE:
        return func.concat(task.stream_of(""), table.c.id)
    is_part = "conversation_id" in table.c
    return func.concat(
        conversation.stream_of(""), table.c.conversation_id if is_part else table.c.id
    )


def _after_moment(has_after: bool) -> list[ColumnElement[Any]]:
    return [_AFTER_AT, _AFTER_ID] if has_after else []


def _page(
    table: Table,
    rows: Select[Any],
    order: Order,
    by: tuple[str, ...],
    after: list[ColumnElement[Any]],
    found: CTE | None = None,
) -> Select[Any]:
    columns = [table.c[name] for name in by]
    if after:
        here, there = tuple_(*columns), tuple_(*after)
        rows = rows.where(here > there if order == "asc" else here < there)
    page = rows.order_by(*directed(columns, order)).limit(LIMIT).subquery("page")
    joined = _joined_page(page, found if found is not None else checkpoint())
    return joined.order_by(*directed([page.c[name] for name in by], order))


def _joined(rows: Select[Any], found: CTE | None = None) -> Select[Any]:
    page = rows.subquery("page")
    return _joined_page(page, found if found is not None else checkpoint())


def _joined_page(page: Subquery, found: CTE) -> Select[Any]:
    return select(found, page).select_from(found.outerjoin(page, true()))


def checkpoint(
    *,
    is_behind: ColumnElement[bool] | None = None,
    is_stale: ColumnElement[bool] | None = None,
    anchor: ColumnElement[Any] | None = None,
    branch_id: ColumnElement[Any] | None = None,
) -> CTE:
    """Where the generation stands; `anchor` is where the page begins, null for nowhere; `branch_id`
    is the branch it is of, null when there is no such branch."""
    columns = (
        GENERATIONS.c.position.label("read_at"),
        (is_behind if is_behind is not None else _is_behind()).label("is_behind"),
        (is_stale if is_stale is not None else false()).label("is_conversation_stale"),
        (anchor if anchor is not None else null()).label("anchor"),
        (branch_id if branch_id is not None else null()).label("of_branch_id"),
    )
    found = select(*columns).where(GENERATIONS.c.generation == _GENERATION)
    # Else it is worked out again for each row of the page.
    return found.cte("checkpoint").prefix_with("MATERIALIZED")


def _is_behind() -> ColumnElement[bool]:
    """Whether the owner has an event that the generation does not show yet."""
    is_waiting = select(INBOX).where(OWNER == any_(INBOX.c.owner_ids)).exists()
    is_sealed = (
        select(LOG)
        .where(LOG.c.position > GENERATIONS.c.position, LOG.c.owner_id == OWNER)
        .correlate(GENERATIONS)
        .exists()
    )
    return or_(is_waiting, is_sealed)


def _is_parked(stream_id: ColumnElement[str]) -> ColumnElement[bool]:
    return (
        select(PARKED)
        .where(PARKED.c.generation == _GENERATION, PARKED.c.stream_id == stream_id)
        .exists()
    )
