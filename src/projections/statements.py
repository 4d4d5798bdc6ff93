"""The room's SQL: static statements from projections/sql, and those derived from a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from sqlalchemy import (
    ARRAY,
    DDL,
    Column,
    MetaData,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    delete,
    func,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import asyncpg, insert
from sqlalchemy.engine.interfaces import Compiled
from sqlalchemy.schema import CreateIndex, CreateSchema, CreateTable, DropSchema
from sqlalchemy.sql.elements import ClauseElement, ColumnElement
from sqlalchemy.sql.selectable import TableValuedAlias

from projections.conversations import TABLE as CONVERSATIONS
from projections.log_tables import DATA_KEYS
from projections.tables import SCHEMA

_dialect = asyncpg.dialect()  # type: ignore[no-untyped-call]


@cache
def load(name: str) -> str:
    return (files("projections") / "sql" / f"{name}.sql").read_text()


def create_schema(schema: str) -> str:
    return _sql(CreateSchema(schema), schema)


def drop_schema(schema: str) -> str:
    return _sql(DropSchema(schema, cascade=True, if_exists=True), schema)


@cache
def create_table(table: Table, schema: str, *, is_new: bool = True) -> tuple[str, ...]:
    """The table, then its indexes; nothing where it is not new but there."""
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    creations: list[ClauseElement] = [
        CreateTable(table, if_not_exists=not is_new),
        *map(CreateIndex, indexes),
    ]
    return tuple(_sql(creation, schema) for creation in creations)


def analyze(table: Table, schema: str) -> str:
    placed = table.to_metadata(MetaData(), schema=schema)
    analysis = DDL("ANALYZE %(fullname)s")  # type: ignore[no-untyped-call]
    return _sql(analysis.against(placed), schema)


@cache
def select_by_key(table: Table, schema: str) -> str:
    """Parameters: an array for each primary key column."""
    return _sql(select(table).where(_has_key(table)), schema)


@cache
def select_of_range(table: Table, column: str, schema: str) -> str:
    """Parameters: the id after which they begin, and the last one."""
    after, up_to = (bindparam(name, type_=table.c[column].type) for name in ("after", "up_to"))
    return _sql(select(table).where(table.c[column] > after, table.c[column] <= up_to), schema)


@cache
def select_of_streams(table: Table, column: str, schema: str) -> str:
    """Parameter: an array of ids."""
    return _sql(select(table).where(table.c[column] == _any("ids")), schema)


@cache
def upsert(table: Table, schema: str) -> str:
    """Parameters: an array for each column. Rows whose data key is gone are not written."""
    names = [column.name for column in table.c]
    rows = _given(table, names)
    has_data_key = select(DATA_KEYS).where(DATA_KEYS.c.key_id == rows.c.key_id).exists()
    source = select(*(_as_stored(column, rows) for column in table.c)).where(
        or_(rows.c.key_id.is_(None), has_data_key)
    )
    statement = insert(table).from_select(names, source)
    changes = {c.name: statement.excluded[c.name] for c in table.c if not c.primary_key}
    return _sql(
        statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=changes),
        schema,
    )


@cache
def delete_by_key(table: Table, schema: str) -> str:
    """Parameters: an array for each primary key column."""
    return _sql(delete(table).where(_has_key(table)), schema)


@cache
def delete_of_conversations(table: Table, schema: str) -> str:
    """Parameter: an array of conversation ids."""
    return _sql(delete(table).where(table.c.conversation_id == _any("conversation_ids")), schema)


@cache
def delete_of_owners(table: Table, schema: str) -> str:
    """Parameter: an array of owner ids. The parts of conversations are found through these."""
    is_owned: ColumnElement[bool] = table.c.owner_id == _any("owner_ids")
    if "conversation_id" in table.c:
        owned: Select[str] = select(CONVERSATIONS.c.id).where(
            CONVERSATIONS.c.owner_id == _any("owner_ids")
        )
        is_owned = table.c.conversation_id.in_(owned)
    return _sql(delete(table).where(is_owned), schema)


def bound(statement: Select[Any], schema: str, given: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """What asyncpg takes: the statement and its values in their order."""
    compiled = _compiled(statement, schema)
    fixed = compiled.params
    names: Sequence[str] = getattr(compiled, "positiontup", None) or ()
    return str(compiled), [given.get(name, fixed[name]) for name in names]


@cache
def insert_partitions(table: Table, schema: str) -> str:
    """Parameters: an array for each column but the last; nothing where there are some."""
    names = [column.name for column in table.c][:-1]
    source = select(_given(table, names)).where(~select(table).exists())
    return _sql(insert(table).from_select(names, source, include_defaults=False), schema)


@cache
def unfinished_partitions(table: Table, schema: str) -> str:
    hidden = ("after_id", "is_done")
    columns = [column for column in table.c if column.name not in hidden]
    return _sql(select(*columns).where(~table.c.is_done).order_by(table.c.number), schema)


@cache
def partition_progress(table: Table, schema: str) -> str:
    """How many events are applied, of how many, up to which position."""
    columns = table.c
    figures = (
        func.sum(columns.applied),
        func.sum(columns.events),
        func.max(columns.up_to_position),
    )
    return _sql(select(*figures), schema)


@cache
def advance_partition(table: Table, schema: str) -> str:
    """Parameters: applied, at_id and at_version as they will be; number, at_id and at_version as
    they are."""
    columns = table.c
    changes = {n: bindparam(f"new_{n}", type_=columns[n].type) for n in _MOVING}
    is_there = [columns[n] == bindparam(f"old_{n}") for n in ("number", "at_id", "at_version")]
    statement = update(table).values(changes).where(*is_there).returning(columns.number)
    return _sql(statement, schema)


@cache
def finish_partition(table: Table, schema: str) -> str:
    """Parameter: its number."""
    is_it = table.c.number == bindparam("number")
    return _sql(update(table).values(is_done=true()).where(is_it), schema)


_MOVING = ("applied", "at_id", "at_version")


def _has_key(table: Table) -> ColumnElement[bool]:
    names = [column.name for column in table.primary_key]
    wanted = _given(table, names)
    return tuple_(*table.primary_key).in_(select(*(wanted.c[name] for name in names)))


def _given(table: Table, names: list[str]) -> TableValuedAlias:
    given = [_as_given(table.c[name]) for name in names]
    arrays = [cast(bindparam(column.name), ARRAY(column.type)) for column in given]
    rows = func.unnest(*arrays).table_valued(*given, name="given")
    return rows.render_derived()


def parameter(target: Column[Any], values: list[Any]) -> list[Any]:
    """What a statement takes for one column of the rows that it is given."""
    if not isinstance(target.type, ARRAY):
        return values
    return ["{" + ",".join(map(str, value)) + "}" for value in values]


def _as_given(target: Column[Any]) -> Column[Any]:
    """Arrays come as text, because unnest takes an array of arrays apart to the ground."""
    return Column(target.name, Text()) if isinstance(target.type, ARRAY) else target


def _as_stored(target: Column[Any], rows: TableValuedAlias) -> ColumnElement[Any]:
    given = rows.c[target.name]
    return cast(given, target.type) if isinstance(target.type, ARRAY) else given


def _any(name: str) -> ColumnElement[Any]:
    return any_(cast(bindparam(name), ARRAY(Text(collation="C"))))


def _sql(statement: ClauseElement, schema: str) -> str:
    return str(_compiled(statement, schema))


def _compiled(statement: ClauseElement, schema: str) -> Compiled:
    return statement.compile(
        dialect=_dialect, schema_translate_map={SCHEMA: schema}, render_schema_translate=True
    )
