from __future__ import annotations

import pytest

from agent.offline.matching import find, mentions
from agent.offline.tasks import Task


def tasks(*titles: str) -> list[Task]:
    return [Task(f"task-{place}", title) for place, title in enumerate(titles, 1)]


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("milk", "buy milk"),
        ("the MILK", "buy milk"),
        ("bought the milk", "buy milk"),
        ("get milk", "buy milk"),
        ("renewed my passport", "Renew passport"),
        ("renewing the pasport", "Renew passport"),
        ("mom", "call mum"),
        ("phoned mum", "call mum"),
        ("cake", "Zoë's cake 🎂"),
        ("zoë’s cake", "Zoë's cake 🎂"),
        ("买牛奶", "买牛奶"),
    ],
)
def test_find_knows_a_task_by_its_words(words: str, title: str) -> None:
    held = tasks("buy milk", "call mum", "Renew passport", "Zoë's cake 🎂", "买牛奶")
    assert [task.title for task in find(words, held).tasks] == [title]


@pytest.mark.parametrize(
    "words", ["laundry", "call the bank", "the", "", "silk", "spaceship", "🎂"]
)
def test_find_returns_nothing_for_other_words(words: str) -> None:
    assert find(words, tasks("buy milk", "call mum", "renew passport")).tasks == ()


def test_find_returns_all_that_match_equally_well() -> None:
    held = tasks("buy milk", "buy oat milk", "call mum")
    assert [task.title for task in find("milk", held).tasks] == ["buy milk", "buy oat milk"]


def test_find_prefers_the_very_title() -> None:
    assert [task.title for task in find("Milk", tasks("oat milk", "milk")).tasks] == ["milk"]


def test_find_tells_a_guess_from_a_match() -> None:
    assert find("milk", tasks("buy milk")).is_exact
    assert not find("mlik", tasks("buy milk")).is_exact


def test_find_tells_another_deed_with_the_same_thing() -> None:
    assert find("bought milk", tasks("buy milk")).has_same_verb
    assert find("bought milk", tasks("milk")).has_same_verb
    assert not find("spilled milk", tasks("buy milk")).has_same_verb


def test_mentions_looks_into_the_notes() -> None:
    task = Task("task-1", "renew passport", notes="bring two photos")
    assert mentions("photos", task)
    assert not mentions("tickets", task)
