from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.storable import (
    REPLACEMENT,
    is_storable,
    is_tree_storable,
    make_storable,
    make_tree_storable,
)

from .event_values import JSON_VALUES

ANY_TEXT = st.text(st.characters(), max_size=30) | st.text("a\x00\ud800\udfff\U0001f600")


@pytest.mark.parametrize("code", [0, 0xD800, 0xDBFF, 0xDC00, 0xDFFF])
def test_nul_and_lone_surrogates_are_not_storable(code: int) -> None:
    assert not is_storable(chr(code))
    assert not is_storable(f"before {chr(code)} after")


@pytest.mark.parametrize("text", ["", "\x01\n\t", "\ud7ff", "\ue000", "\ufffd", "\U0001f600"])
def test_everything_else_is_storable(text: str) -> None:
    assert is_storable(text)
    assert make_storable(text, 10) == (text, ())


@given(ANY_TEXT)
def test_storable_text_is_what_utf_8_holds_without_nul(text: str) -> None:
    try:
        is_valid = b"\x00" not in text.encode()
    except UnicodeEncodeError:
        is_valid = False
    assert is_storable(text) == is_valid


def test_each_unstorable_character_is_replaced() -> None:
    assert make_storable("a\x00b\ud83dc", 10) == (f"a{REPLACEMENT}b{REPLACEMENT}c", ("replaced",))


def test_long_text_is_cut_with_a_marker_that_says_how_much() -> None:
    assert make_storable("abcdef", 6) == ("abcdef", ())
    assert make_storable("abcdef", 4) == ("abcd… [2 characters cut]", ("cut",))
    assert make_storable("\x00bcdef", 1) == (
        f"{REPLACEMENT}… [5 characters cut]",
        ("replaced", "cut"),
    )


@given(ANY_TEXT, st.integers(0, 20))
def test_made_storable_text_is_storable_and_says_what_was_done(text: str, limit: int) -> None:
    made, done = make_storable(text, limit)
    assert is_storable(made)
    assert ("cut" in done) == (len(text) > limit)
    assert ("replaced" in done) == (not is_storable(text))
    assert len(made) <= limit + len("… [30 characters cut]")


def test_tree_is_made_storable_in_values_and_keys() -> None:
    tree = {
        "a\x00": ["x\ud800", ("long text", 1), None],
        "n": {"deep": {"er": "\x00"}},
        "kept": [True, 1.5, -3],
    }
    assert make_tree_storable(tree, 5) == {
        f"a{REPLACEMENT}": [f"x{REPLACEMENT}", ["long … [4 characters cut]", 1], None],
        "n": {"deep": {"er": REPLACEMENT}},
        "kept": [True, 1.5, -3],
    }


@given(JSON_VALUES, st.sampled_from(["a\x00", "\ud800"]))
def test_tree_is_storable_unless_a_string_in_it_is_not(value: Any, text: str) -> None:
    sound = make_tree_storable(value, 1_000)
    assert is_tree_storable(sound)
    for tree in (text, [sound, text], {"k": (sound, {"l": text})}, {text: sound}):
        assert not is_tree_storable(tree)
        assert is_tree_storable(make_tree_storable(tree, 1_000))


def test_tree_of_any_depth_is_checked() -> None:
    tree: Any = "\x00"
    for _ in range(100_000):
        tree = [tree]
    assert not is_tree_storable(tree)
    while isinstance(tree, list):  # taken apart here, because freeing it at once is slow
        tree = tree.pop()
