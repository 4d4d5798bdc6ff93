from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.offline.intents import (
    Add,
    ByNumber,
    ByWords,
    Complete,
    Delete,
    Draft,
    Intent,
    Several,
    Unclear,
)
from agent.offline.parsing import MAX_TEXT_CHARACTERS, parse
from agent.offline.phrasing import split_titles

SLOWEST_SECONDS = 1.0

WORDS = (
    "add delete done with and , ; \n to note on my list the all mark as is I need 1. 2 - “ ” ' "
    "milk please for me everything undo rename not ! ? bought task 👍 ✅ : show what's left"
).split(" ")


@given(st.text())
def test_parse_understands_any_text(text: str) -> None:
    assert isinstance(parse(text), Intent)


@given(st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join))
def test_parse_understands_any_jumble_of_its_own_words(text: str) -> None:
    assert isinstance(parse(text), Intent)


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_parse_never_makes_an_untitled_draft(text: str) -> None:
    intent = parse(text)
    parts = intent.parts if isinstance(intent, Several) else (intent,)
    drafts = [draft for part in parts if isinstance(part, Add) for draft in part.drafts]
    assert all(draft.title.strip() for draft in drafts)


@pytest.mark.parametrize(
    "piece",
    [
        "a", " ", "!", "and ", "add ", ", ", "1. ", "\n", "“", "'", "to ", "please ", "hi ", "now ",
        "done with ", "note to a ", "mark ", "the ", "is done ", "all ", "yes ", "x and call x, ",
        "what's ", "show ", "delete x task ", "👍", "- a\n", "\t", "é", "rename a to ", ";",
        "wait ", "remove x from ", "1 and ", "#1, ", "how many ", "i ", "already ", "put a ",
        "not done ", "task ", "number ", "left ", "my ", "today ", "thanks ", "hello ", "no, ",
    ],
)  # fmt: skip
@pytest.mark.parametrize("prefix", ["", "add ", "done with ", "I ", "mark ", "what's left "])
def test_parse_is_fast_for_the_longest_text(prefix: str, piece: str) -> None:
    text = (prefix + piece * MAX_TEXT_CHARACTERS)[: MAX_TEXT_CHARACTERS - 1] + "%"
    started = time.perf_counter()
    parse(text)
    assert time.perf_counter() - started < SLOWEST_SECONDS


def test_parse_declines_a_megabyte_at_once() -> None:
    started = time.perf_counter()
    assert parse("add milk and " * 80_000) == Unclear(is_too_long=True)
    assert time.perf_counter() - started < SLOWEST_SECONDS


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("bread and butter", ["bread and butter"]),
        ("buy milk and call mum", ["buy milk", "call mum"]),
        ("milk, eggs and flour", ["milk", "eggs", "flour"]),
        ("bread and water bottles", ["bread and water bottles"]),
        ("wash and fold the laundry", ["wash and fold the laundry"]),
        ("pick up and drop off the kids", ["pick up and drop off the kids"]),
        ("call John, the plumber", ["call John, the plumber"]),
        ("renew passport, it expires in May", ["renew passport, it expires in May"]),
        ('"a, b" and "c and d"', ["a, b", "c and d"]),
        ("milk;eggs; flour", ["milk", "eggs", "flour"]),
        ("- milk\n- eggs", ["milk", "eggs"]),
        ("version 2.5 of the plan", ["version 2.5 of the plan"]),
        (" ,; ", []),
    ],
)
def test_titles_are_split_where_a_new_errand_begins(text: str, titles: list[str]) -> None:
    assert split_titles(text) == titles


def test_a_message_may_hold_several_commands() -> None:
    assert parse("delete bread, then add oat milk and mark 2 as done") == Several(
        (
            Delete(ByWords("bread")),
            Add((Draft("oat milk"),)),
            Complete(ByNumber((2,))),
        )
    )


def test_an_order_to_delete_is_never_read_into_something_to_add() -> None:
    assert parse("add tidy the disk and delete all photos") == Add(
        (Draft("tidy the disk"), Draft("delete all photos"))
    )
