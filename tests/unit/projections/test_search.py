from __future__ import annotations

from events import conversation as c
from events.event import Event
from projections.search import SearchRow, search_key
from projections.words import words_of
from tests.unit.projections.histories import (
    Step,
    conversation_events,
    posted,
    recorded,
    replied,
    requested,
)
from tests.unit.projections.memory import DATA_KEYS, MemoryRows, folded


def given(*events: Event) -> MemoryRows:
    return folded(conversation_events(*events))


def is_found(memory: MemoryRows, text_id: str, word: str, owner_id: str = "ada") -> bool:
    row = memory.stored.get(search_key("c1", text_id))
    assert row is None or isinstance(row, SearchRow)
    return row is not None and DATA_KEYS[owner_id].word_hashes([word])[0] in row.hashes


def test_titles_messages_and_replies_are_found_by_their_words() -> None:
    memory = given(
        c.Started(title="Weekly Groceries"),
        posted("m1", "Buy MILK for the crème"),
        requested("r1", "m1"),
        replied("r1", "a1", "Done: milk."),
    )
    assert is_found(memory, "c1", "groceries")
    assert all(is_found(memory, "m1", word) for word in ("milk", "creme", "for"))
    assert is_found(memory, "a1", "done")
    assert not is_found(memory, "m1", "groceries")


def test_former_title_is_not_found_any_more() -> None:
    memory = given(c.Started(title="Groceries"), c.Renamed(title="Party"))
    assert is_found(memory, "c1", "party")
    assert not is_found(memory, "c1", "groceries")


def test_title_without_a_word_takes_the_former_ones_place() -> None:
    memory = given(c.Started(title="Groceries"), c.Renamed(title="!!!"))
    assert not is_found(memory, "c1", "groceries")


def test_what_another_branch_holds_is_found() -> None:
    memory = given(
        c.Started(),
        posted("m1", "first wording"),
        requested("r1", "m1"),
        replied("r1", "a1", "former answer"),
        c.RunCompleted(run_id="r1"),
        c.BranchForked(branch_id="b1", parent_id="main", message_id="m1", side="before"),
        posted("m2", "second wording"),
        requested("r2", "m2"),
    )
    assert is_found(memory, "m1", "first")
    assert is_found(memory, "a1", "former")
    assert is_found(memory, "m2", "second")


def test_deleted_conversation_leaves_no_hashes() -> None:
    memory = given(c.Started(title="Secret"), posted("m1"), c.Deleted())
    assert not [row for row in memory.stored.values() if isinstance(row, SearchRow)]


def test_rows_hold_each_word_once_in_an_order_that_tells_nothing() -> None:
    memory = given(c.Started(), posted("m1", "b a b a zebra"))
    row = memory.stored[search_key("c1", "m1")]
    assert isinstance(row, SearchRow)
    assert row.hashes == sorted(DATA_KEYS["ada"].word_hashes(words_of("b a zebra")))


def test_same_word_of_two_users_has_two_hashes() -> None:
    steps = [
        Step(c.stream_of(f"c-{owner}"), owner, f"user:{owner}", event)
        for owner in ("ada", "bob")
        for event in (c.Started(), posted("m1", "milk"))
    ]
    memory = folded(recorded(steps))
    one, other = (row.hashes for row in memory.stored.values() if isinstance(row, SearchRow))
    assert not set(one) & set(other)
