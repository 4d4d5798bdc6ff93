"""Ids as people give them to a command."""

from __future__ import annotations

from uuid import UUID

from cli.errors import Usage


def conversation_id_of(text: str) -> str:
    """Of an id or of its stream's name. Raises Usage."""
    return _uuid_of(text.removeprefix("conversation-"), f"{text!r} is no conversation id")


def run_id_of(text: str) -> str:
    """Raises Usage."""
    return _uuid_of(text, f"{text!r} is no run id")


def _uuid_of(text: str, complaint: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise Usage(f"{complaint}: it is a UUID.") from None
