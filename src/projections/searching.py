"""What someone searches for: as hashes under their data keys, and as part of a statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, false, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from events.cipher import DataKey
from projections import conversations, search
from projections.branch_selects import OWNER
from projections.errors import TooManyWords
from projections.words import wanted_words

MAX_WORDS = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """A conversation is found when each of the words stands in its title or in a text of it."""

    #: How many words there are, and under how many keys each is hashed.
    shape: tuple[int, int]
    parameters: dict[str, list[int]]


def search_for(query: str, keys: Sequence[DataKey]) -> Wanted:
    """Under each of the owner's keys, because a row is hashed under any one. Raises TooManyWords.

    Without a word nothing is found, and without a key there is nothing to find.
    """
    words = [sorted(word) for word in wanted_words(query)]
    if len(words) > MAX_WORDS:
        raise TooManyWords(MAX_WORDS)
    parameters = {
        _parameter(n, k): key.word_hashes(word)
        for n, word in enumerate(words)
        for k, key in enumerate(keys)
    }
    return Wanted((len(words), len(keys)), parameters)


def is_found(words: int, keys: int) -> list[ColumnElement[bool]]:
    """Of a conversation. Parameters: owner_id, and those of what is wanted."""
    return [_holds_word(n, keys) for n in range(words)] or [false()]


def _holds_word(n: int, keys: int) -> ColumnElement[bool]:
    table = search.TABLE
    under: list[ColumnElement[Any]] = [
        table.c.hashes.contains(
            bindparam(_parameter(n, k), type_=ARRAY(BigInteger()), required=True)
        )
        for k in range(keys)
    ]
    holding = select(table.c.conversation_id).where(table.c.owner_id == OWNER, or_(false(), *under))
    return conversations.TABLE.c.id.in_(holding)


def _parameter(word: int, key: int) -> str:
    return f"word_{word}_{key}"
