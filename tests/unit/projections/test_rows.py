from __future__ import annotations

import pytest

from projections.errors import RowNotLoaded
from projections.rows import Key, Rows
from projections.tasks import TaskRow
from tests.unit.projections.histories import NOON

KEY: Key = ("tasks", "t1")


def task(title: str) -> TaskRow:
    return TaskRow(id="t1", owner_id="ada", title=title, created_at=NOON, version=1)


def test_row_that_was_not_loaded_cannot_be_read_or_written() -> None:
    rows = Rows({}, {})
    with pytest.raises(RowNotLoaded):
        rows.get(KEY, TaskRow)
    with pytest.raises(RowNotLoaded):
        rows.put(KEY, task("Milk"))


def test_only_what_changed_is_written() -> None:
    loaded = task("Milk")
    rows = Rows({KEY: loaded, ("tasks", "t2"): None}, {})
    rows.put(KEY, loaded)
    rows.delete(("tasks", "t2"))
    assert list(rows.changed()) == []
    assert list(rows.deleted()) == []
    rows.put(KEY, task("Bread"))
    assert list(rows.changed()) == [(KEY, task("Bread"))]


def test_row_loaded_and_deleted_is_deleted() -> None:
    rows = Rows({KEY: task("Milk")}, {})
    rows.delete(KEY)
    assert list(rows.deleted()) == [KEY]
    assert list(rows.changed()) == []


def test_failed_attempt_leaves_no_trace() -> None:
    rows = Rows({KEY: task("Milk")}, {})
    with pytest.raises(ZeroDivisionError):
        _break_off(rows)
    assert rows.get(KEY, TaskRow) == task("Milk")
    assert rows.sweeps == []
    assert list(rows.changed()) == []
    assert list(rows.deleted()) == []


def _break_off(rows: Rows) -> None:
    with rows.attempt():
        rows.put(KEY, task("Bread"))
        rows.sweep_owner("ada")
        raise ZeroDivisionError
