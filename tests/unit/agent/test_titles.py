from __future__ import annotations

import pytest

from agent.titles import MODEL_TITLE_CHARACTERS, clean_title


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("Buying milk", "Buying milk"),
        ('\n  "Buying   milk."\n\nBecause you asked', "Buying milk"),
        ("**Buying milk**", "Buying milk"),
        ("«Acheter du lait»", "Acheter du lait"),
        ("Buy\x00ing\ud800", "Buy\ufffding\ufffd"),
        ("", ""),
        (' "." ', ""),
    ],
    ids=["plain", "quoted", "bold", "guillemets", "unstorable", "empty", "nothing"],
)
def test_title_is_one_clean_line(said: str, title: str) -> None:
    assert clean_title(said) == title


def test_long_title_is_cut_between_words() -> None:
    title = clean_title("milk " * 100)
    assert len(title) <= MODEL_TITLE_CHARACTERS + 1
    assert title.endswith("milk…")
