"""What a branch shows, as parts of a statement: its path to the main branch, a page, siblings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Integer,
    ScalarSelect,
    Select,
    Subquery,
    Table,
    Text,
    and_,
    bindparam,
    collate,
    func,
    literal,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.sql.selectable import LateralFromClause

from events.conversation import MAIN_BRANCH
from projections import conversations, messages
from projections.branch_rows import TABLE as FORKS
from projections.pages import Order

OWNER = bindparam("owner_id", type_=Text(), required=True)
CONVERSATION = bindparam("conversation_id", type_=Text(), required=True)
LIMIT = bindparam("limit", type_=Integer(), required=True)
_BRANCH = bindparam("branch_id", type_=Text(), required=True)
#: What siblings have in common.
_PLACE = ("conversation_id", "slot_id", "role")
#: Greater than every ordinal.
_NO_END = literal(2**63 - 1, BigInteger())


def active_branch() -> ScalarSelect[str]:
    table = conversations.TABLE
    found = select(table.c.branch_id).where(table.c.id == CONVERSATION, table.c.owner_id == OWNER)
    return found.scalar_subquery()


def branch_named() -> ScalarSelect[str]:
    """Null when the conversation has no such branch."""
    table = conversations.TABLE
    is_fork = select(FORKS).where(FORKS.c.conversation_id == table.c.id, FORKS.c.id == _BRANCH)
    found = select(collate(_BRANCH, "C")).where(
        table.c.id == CONVERSATION,
        table.c.owner_id == OWNER,
        or_(_BRANCH == MAIN_BRANCH, is_fork.correlate(table).exists()),
    )
    return found.scalar_subquery()


def page_of_branch(
    table: Table,
    rows: Select[Any],
    branch_id: ScalarSelect[str],
    order: Order,
    after: ColumnElement[Any] | None,
) -> Subquery:
    """A page of what a branch shows: of each stretch of it no more than a page is read."""
    path = _path(branch_id)
    ordinal = table.c.ordinal
    rows = rows.where(table.c.branch_id == path.c.branch_id, ordinal <= path.c.until_ordinal)
    if after is not None:
        rows = rows.where(ordinal > after if order == "asc" else ordinal < after)
    by = directed([ordinal], order)
    stretch = rows.correlate(path).order_by(*by).limit(LIMIT).lateral("stretch")
    page = select(stretch).select_from(path.join(stretch, true()))
    return page.order_by(*directed([stretch.c.ordinal], order)).limit(LIMIT).subquery("page")


def _path(branch_id: ScalarSelect[str]) -> CTE:
    """The branch, its parent and so on to the main one, each with the last ordinal it shows."""
    path = select(branch_id.label("branch_id"), _NO_END.label("until_ordinal")).cte(
        "path", recursive=True
    )
    parents = select(FORKS.c.parent_id, FORKS.c.until_ordinal).where(
        FORKS.c.conversation_id == CONVERSATION,
        FORKS.c.id == path.c.branch_id,
        FORKS.c.parent_id.is_not(None),
    )
    return path.union_all(parents)


def siblings_of(page: Subquery, message_id: ColumnElement[str]) -> LateralFromClause:
    """For each row which one of how many it is in its place, and those beside it."""
    own, other = messages.TABLE.alias("own"), messages.TABLE.alias("other")
    is_before, is_after = other.c.ordinal < own.c.ordinal, other.c.ordinal > own.c.ordinal
    before = func.array_agg(aggregate_order_by(other.c.id, other.c.ordinal.desc()))
    after = func.array_agg(aggregate_order_by(other.c.id, other.c.ordinal))
    return (
        select(
            func.count().label("sibling_count"),
            (func.count().filter(is_before) + 1).label("sibling_number"),
            _first(before.filter(is_before)).label("previous_id"),
            _first(after.filter(is_after)).label("next_id"),
        )
        .select_from(own.join(other, and_(*(other.c[name] == own.c[name] for name in _PLACE))))
        .where(own.c.conversation_id == CONVERSATION, own.c.id == message_id)
        .correlate(page)
        .lateral("siblings")
    )


def _first(ids: ColumnElement[Any]) -> ColumnElement[str]:
    return type_coerce(ids, ARRAY(Text))[1]


def directed(columns: Sequence[ColumnElement[Any]], order: Order) -> list[ColumnElement[Any]]:
    return [c.asc() if order == "asc" else c.desc() for c in columns]
