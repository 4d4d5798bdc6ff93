"""What a conversation is called: by its user, by the model, or by its first words."""

from __future__ import annotations

from commands.errors import InvalidCommand
from events.storable import is_storable

TITLE_CHARACTERS = 200
FIRST_WORDS_CHARACTERS = 60


def first_words(text: str) -> str:
    """What a conversation is called until somebody names it."""
    words = " ".join(text.split())
    if len(words) <= FIRST_WORDS_CHARACTERS:
        return words
    return words[:FIRST_WORDS_CHARACTERS].rsplit(" ", 1)[0] + "…"


def checked_title(text: str) -> str:
    """Raises InvalidCommand."""
    title = " ".join(text.split())
    if len(title) > TITLE_CHARACTERS or not is_storable(title):
        raise InvalidCommand(f"A title is text of at most {TITLE_CHARACTERS} characters.")
    return title
