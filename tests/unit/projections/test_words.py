from __future__ import annotations

import pytest

from projections.words import SEARCHED_BYTES, wanted_words, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("Milk, milk & MILK!", {"milk"}, id="case"),
        pytest.param("Crème brûlée naïve", {"creme", "brulee", "naive"}, id="accents"),
        pytest.param("cre\u0300me İstanbul", {"creme", "istanbul"}, id="combining"),
        pytest.param("Straße ΣΟΦΟΣ ﬁve ½", {"strasse", "σοφοσ", "five", "1", "2"}, id="folding"),
        pytest.param("snake_case don't a-b", {"snake", "case", "don", "t", "a", "b"}, id="signs"),
        pytest.param("Müller\u00ad\u200bs", {"mullers"}, id="invisible"),
        pytest.param("🎉 ❤\ufe0f --- \n", set(), id="no-words"),
        pytest.param("हिन्दी", {"हिनदी"}, id="vowel-signs"),
        pytest.param("東京都", {"東京", "京都", "東", "京", "都"}, id="han"),
        pytest.param("ｶﾞｽ", {"ガス", "ガ", "ス"}, id="half-width-kana"),
        pytest.param("か が", {"か", "が"}, id="voiced"),
        pytest.param("한국", {"한국", "한", "국"}, id="hangul"),
        pytest.param("iPhone15を買う", {"iphone15", "を買", "買う", "を", "買", "う"}, id="mixed"),
        pytest.param("a\ud800b", {"a", "b"}, id="surrogate"),
    ],
)
def test_text_is_kept_as_folded_words(text: str, words: set[str]) -> None:
    assert words_of(text) == words


def test_words_are_asked_for_each_by_itself_and_runs_by_their_neighbours() -> None:
    assert wanted_words("  Crème  BRÛLÉE ") == [{"creme"}, {"brulee"}]
    assert wanted_words("don't 東京都 猫 !!") == [{"don", "t"}, {"東京", "京都"}, {"猫"}]
    assert wanted_words("!! … 🎉") == []


def test_every_text_is_found_by_its_own_words() -> None:
    text = "Bitte 2 Liter Hafermilch für 田中さん kaufen, 한국어 too — ｶﾀｶﾅ"
    kept = words_of(text)
    assert all(words <= kept for words in wanted_words(text))


def test_text_is_cut_by_its_bytes() -> None:
    assert words_of("é" * (SEARCHED_BYTES // 2 - 3) + " end gone") == {
        "e" * (SEARCHED_BYTES // 2 - 3),
        "end",
        "g",
    }
    assert "last" in words_of("a" * (SEARCHED_BYTES - 5) + " last")


def test_hostile_texts_are_folded_as_others_are() -> None:
    assert "a" in words_of("".join(map(chr, range(0x20000))))
    assert len(words_of("\ufdfa " * 60_000)) == 4
    assert words_of("e" + "\u0301" * 120_000) == {"e"}
