from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.errors import InvalidCursor
from projections.pages import (
    checked_id,
    moment_cursor,
    ordinal_cursor,
    parse_moment_cursor,
    parse_ordinal_cursor,
)
from tests.unit.projections.histories import NOON


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@given(st.integers(0, 10**15), st.text(alphabet="abc-123", max_size=40))
def test_moment_cursor_comes_back_to_the_microsecond(microseconds: int, row_id: str) -> None:
    created_at = NOON + timedelta(microseconds=microseconds)
    assert parse_moment_cursor(moment_cursor(created_at, row_id)) == (created_at, row_id)


@given(st.integers(0, 2**63 - 1))
def test_ordinal_cursor_comes_back(ordinal: int) -> None:
    assert parse_ordinal_cursor(ordinal_cursor(ordinal, "main")) == (ordinal, "main")


BAD = ["", "%", "é", "abc", encoded("{}"), encoded("[]"), encoded("[true]"), encoded("[1,2,3]")]


@pytest.mark.parametrize(
    "cursor", [*BAD, encoded('[-1,"b"]'), encoded(f'[{2**63},"b"]'), encoded('[1,"\\u0000"]')]
)
def test_bad_ordinal_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        parse_ordinal_cursor(cursor)


@pytest.mark.parametrize(
    "cursor", [*BAD, encoded("[1]"), encoded(f'[{10**30},"x"]'), encoded('[1,"\\u0000"]')]
)
def test_bad_moment_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        parse_moment_cursor(cursor)


@given(st.text())
def test_any_text_is_a_cursor_or_is_refused(text: str) -> None:
    try:
        created_at, _ = parse_moment_cursor(text)
    except InvalidCursor:
        return
    assert created_at.tzinfo is not None


def test_id_with_nul_is_no_id() -> None:
    with pytest.raises(InvalidCursor):
        checked_id("a\x00b")
