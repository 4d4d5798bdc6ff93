"""What was used, added up: by day, conversation, model or user. One statement a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Literal, get_args

import asyncpg
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Select,
    Text,
    bindparam,
    cast,
    collate,
    false,
    func,
    select,
    true,
)

from projections import selects, usage
from projections.branch_selects import LIMIT, OWNER
from projections.errors import NoLiveGeneration
from projections.generations import definition, live_generation
from projections.log_tables import GENERATIONS, PARKED
from projections.pages import key_cursor, parse_key_cursor
from projections.statements import bound

By = Literal["day", "conversation", "model", "user"]
BYS: tuple[By, ...] = get_args(By)

_FROM = bindparam("from_day", type_=Date(), required=True)
_TO = bindparam("to_day", type_=Date(), required=True)
_AFTER = bindparam("after_key", type_=Text(), required=True)
_ADDED_UP = ("runs", "requests", "input_tokens", "output_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    by: By
    #: Both counted.
    from_day: date
    to_day: date
    #: None is everybody.
    owner_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    runs: int
    #: Calls of a model.
    requests: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedBy(Used):
    #: The day (2026-01-31), the conversation's or the user's id, or the model.
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageTotals:
    """A page by key, and the total of all pages."""

    rows: tuple[UsedBy, ...]
    total: Used
    #: Leads to the next page; None on the last one.
    after: str | None
    position: int
    #: True when a stream of the user is parked.
    is_stale: bool


def parameters(asked: Asked, limit: int, after: str | None) -> dict[str, Any]:
    """Raises InvalidCursor."""
    found: dict[str, Any] = {"from_day": asked.from_day, "to_day": asked.to_day, "limit": limit + 1}
    if asked.owner_id is not None:
        found["owner_id"] = asked.owner_id
    return found if after is None else found | {"after_key": parse_key_cursor(after)}


def statement(asked: Asked, *, has_after: bool) -> Select[Any]:
    """Takes the parameters. Of everybody it is never behind."""
    return _statement(asked.by, has_owner=asked.owner_id is not None, has_after=has_after)


@cache
def _statement(by: By, *, has_owner: bool, has_after: bool) -> Select[Any]:
    table = usage.TABLE
    key = collate(_key(by), "C").label("key")
    of_run = (table.c[name] for name in _ADDED_UP[1:])
    sums = (func.count().label("runs"), *(_sum(column) for column in of_run))
    rows = select(key, *sums).where(table.c.day.between(_FROM, _TO)).group_by(key)
    if has_owner:
        rows = rows.where(table.c.owner_id == OWNER)
    grouped = rows.cte("grouped")
    total = select(*(_sum(grouped.c[name], f"total_{name}") for name in _ADDED_UP)).cte("total")
    shown = select(grouped)
    if has_after:
        shown = shown.where(grouped.c.key > _AFTER)
    page = shown.order_by(grouped.c.key).limit(LIMIT).subquery("page")
    checkpoint = (
        selects.checkpoint(is_stale=_has_parked())
        if has_owner
        else selects.checkpoint(is_behind=false())
    )
    found = checkpoint.join(total, true()).outerjoin(page, true())
    return select(checkpoint, total, page).select_from(found).order_by(page.c.key)


async def read_totals(
    pool: asyncpg.Pool, asked: Asked, *, limit: int, after: str | None = None
) -> UsageTotals:
    """As far as the read tables are. Raises NoLiveGeneration and InvalidCursor."""
    live = await live_generation(pool, definition())
    if live is None:
        raise NoLiveGeneration(definition())
    given = {**parameters(asked, limit, after), "generation": live.number}
    sql, values = bound(statement(asked, has_after=after is not None), live.schema, given)
    return totals(await pool.fetch(sql, *values), limit)


def totals(records: Sequence[Mapping[str, Any]], limit: int) -> UsageTotals:
    """From the records of the statement, one at least."""
    first = records[0]
    rows = [
        UsedBy(key=record["key"], **{name: record[name] for name in _ADDED_UP})
        for record in records
        if record["key"] is not None
    ]
    return UsageTotals(
        rows=tuple(rows[:limit]),
        total=Used(**{name: first[f"total_{name}"] for name in _ADDED_UP}),
        after=key_cursor(rows[limit - 1].key) if len(rows) > limit else None,
        position=first["read_at"],
        is_stale=first["is_conversation_stale"],
    )


def _key(by: By) -> ColumnElement[Any]:
    table = usage.TABLE
    match by:
        case "day":
            return func.to_char(table.c.day, "YYYY-MM-DD")
        case "conversation":
            return table.c.conversation_id
        case "model":
            return table.c.model
        case "user":
            return table.c.owner_id


def _sum(column: ColumnElement[Any], name: str | None = None) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(column), 0), BigInteger()).label(name or column.key or "")


def _has_parked() -> ColumnElement[bool]:
    of_owner = (PARKED.c.generation == GENERATIONS.c.generation, PARKED.c.owner_id == OWNER)
    return select(PARKED).where(*of_owner).correlate(GENERATIONS).exists()
