"""Text to the words that it is found by, the same for what is kept and for what is asked.

Case and accents do not count (NFKD, case folding, combining marks dropped). What stands between
spaces and signs is a word. Han, kana and Hangul are written without spaces or with endings that
cling to a word, so a run of them is kept as each two neighbours and each one alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

#: What is kept of a text, from its beginning.
SEARCHED_BYTES = 256 * 1024
MAX_CHARACTER_BYTES = 4

#: They make other letters of kana, no accents.
_VOICED = frozenset("\u3099\u309a")
_RUN = (
    "\u1100-\u11ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)
_PARTS = re.compile(rf"[{_RUN}]+|[^\s{_RUN}]+")
_IN_RUN = re.compile(f"[{_RUN}]")
#: Beyond, what characters become is worked out each time.
_REMEMBERED_CHARACTERS = 10_000


def words_of(text: str) -> set[str]:
    """What a text is kept as."""
    folded = _folded(_cut(text))
    if folded.isascii() or not _IN_RUN.search(folded):
        return set(folded.split())
    return {word for part in _PARTS.findall(folded) for word in _kept_as(part)}


def wanted_words(query: str) -> list[set[str]]:
    """For each of the words someone asks for, what a text must be kept as to hold it."""
    asked = (_PARTS.findall(_folded(word)) for word in query.split())
    return [{word for part in parts for word in _asked_as(part)} for parts in asked if parts]


def _cut(text: str) -> str:
    if len(text) * MAX_CHARACTER_BYTES <= SEARCHED_BYTES:
        return text
    return text.encode(errors="replace")[:SEARCHED_BYTES].decode(errors="ignore")


def _folded(text: str) -> str:
    """Words and runs, with spaces between them."""
    folded = unicodedata.normalize("NFKD", text).casefold().translate(_FOLDING)
    # Hangul was taken apart into its letters.
    return unicodedata.normalize("NFC", folded)


def _kept_as(part: str) -> Iterator[str]:
    yield from _asked_as(part)
    if _IN_RUN.match(part):
        yield from part


def _asked_as(part: str) -> Iterator[str]:
    if len(part) > 1 and _IN_RUN.match(part):
        yield from (part[n : n + 2] for n in range(len(part) - 1))
    else:
        yield part


class _Folding(dict[int, int | None]):
    """What a character becomes: itself, nothing, or the space between two words."""

    def __missing__(self, code: int) -> int | None:
        folded = _fold(chr(code))
        if len(self) < _REMEMBERED_CHARACTERS:
            self[code] = folded
        return folded


def _fold(character: str) -> int | None:
    if character.isalnum() or character in _VOICED:
        return ord(character)
    category = unicodedata.category(character)
    if unicodedata.combining(character) or category in ("Cf", "Me"):
        return None
    if category in ("Mn", "Mc"):
        # The vowel signs of Indic scripts are part of a word; what picks a glyph is not.
        return None if "VARIATION SELECTOR" in unicodedata.name(character, "") else ord(character)
    return ord(" ")


_FOLDING = _Folding()
