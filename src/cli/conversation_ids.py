"""Ids of conversations as people give them to a command."""

from __future__ import annotations

from uuid import UUID

from cli.errors import Usage


def conversation_id_of(text: str) -> str:
    """Of an id or of its stream's name. Raises Usage."""
    try:
        return str(UUID(text.removeprefix("conversation-")))
    except ValueError:
        raise Usage(f"{text!r} is no conversation id: it is a UUID.") from None
