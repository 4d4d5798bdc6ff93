"""What models, tools and strangers put out, made fit to store."""

from __future__ import annotations

import re
from typing import Any

REPLACEMENT = "\ufffd"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """PostgreSQL refuses NUL in text, UTF-8 refuses lone surrogates."""
    return _UNSTORABLE.search(text) is None


def is_tree_storable(value: Any) -> bool:
    """`is_storable` for every string in a JSON-like value, keys included."""
    pending = [value]
    while pending:
        match pending.pop():
            case str() as text if not is_storable(text):
                return False
            case dict() as members:
                pending += [*members.keys(), *members.values()]
            case list() | tuple() as items:
                pending += items
    return True


def make_storable(text: str, limit: int) -> tuple[str, tuple[str, ...]]:
    """The text with NUL and lone surrogates replaced and cut at `limit` characters.

    The second value names what was done ("replaced", "cut"), so that it can be recorded.
    """
    done: list[str] = []
    if _UNSTORABLE.search(text):
        text = _UNSTORABLE.sub(REPLACEMENT, text)
        done.append("replaced")
    if len(text) > limit:
        text = text[:limit] + f"… [{len(text) - limit} characters cut]"
        done.append("cut")
    return text, tuple(done)


def make_tree_storable(value: Any, limit: int) -> Any:
    """`make_storable` for every string in a JSON-like value, keys included."""
    match value:
        case str():
            return make_storable(value, limit)[0]
        case dict():
            return {
                make_storable(str(key), limit)[0]: make_tree_storable(item, limit)
                for key, item in value.items()
            }
        case list() | tuple():
            return [make_tree_storable(item, limit) for item in value]
        case _:
            return value
