from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeGuard

Scope = Literal["user", "chatkit", "agent"]

ROLES = frozenset({"auditor", "operator"})
MAX_USER_ID_CHARACTERS = 128

_CONTROL_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sent a request, as far as its credentials prove it."""

    #: The subject of the token.
    user_id: str
    #: Known roles only; empty for the scopes chatkit and agent.
    roles: frozenset[str]
    #: What the credentials are good for.
    scope: Scope
    #: Aware, UTC.
    expires_at: datetime
    #: The run a token of scope agent acts for.
    run_id: str | None = None
    #: The tool call a token of scope agent acts for.
    call_id: str | None = None


def is_user_id(candidate: object) -> TypeGuard[str]:
    """1 to 128 characters, no control characters, no slash; usable as one path segment."""
    return (
        isinstance(candidate, str)
        and 1 <= len(candidate) <= MAX_USER_ID_CHARACTERS
        and candidate not in {".", ".."}
        and "/" not in candidate
        and not any(unicodedata.category(char) in _CONTROL_CATEGORIES for char in candidate)
    )
