"""How much a user may ask for: counted in the database, in the transaction that stores the message.

The row of the user is locked while it is counted, so nodes cannot grant one allowance twice. What a
run used is charged when it ends: runs that are under way together may go beyond the tokens of a day
by what they use themselves.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

import asyncpg

from agent.errors import LimitReached

#: SQLSTATE of a refusal; its message is a Kind, its detail the seconds to wait.
REFUSED = "VB429"
#: How long a refusal answers for the database, so that a flood costs nobody else a retry.
REMEMBERED_SECONDS = 1.0
REMEMBERED_USERS = 10_000

Kind = Literal["messages", "runs", "tokens"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one user; None is no limit."""

    messages_a_minute: int | None = None
    unfinished_runs: int | None = None
    #: Input and output, by the day in UTC.
    tokens_a_day: int | None = None

    def refusal(self, error: asyncpg.PostgresError) -> LimitReached | None:
        if error.sqlstate != REFUSED:
            return None
        seconds = int(error.detail)
        match str(error.args[0]):
            case "messages":
                said = f"At most {self.messages_a_minute} messages a minute are accepted"
            case "runs":
                said = f"At most {self.unfinished_runs} replies are written at a time"
            case _:
                said = f"At most {self.tokens_a_day} tokens a day are available, and they are used"
        return LimitReached(f"{said}; try again in {seconds} s.", retry_after_seconds=seconds)


class Refusals:
    """Those of the last moment, by user."""

    def __init__(self) -> None:
        self._refused: dict[str, tuple[float, LimitReached]] = {}

    def check(self, owner_id: str) -> None:
        """Raises LimitReached again."""
        until, refusal = self._refused.get(owner_id, (0.0, None))
        if refusal is not None and time.monotonic() < until:
            # A new one: an exception gathers the traceback of each time it is raised.
            seconds = refusal.retry_after_seconds
            raise LimitReached(refusal.message, retry_after_seconds=seconds)
        self._refused.pop(owner_id, None)

    def remember(self, owner_id: str, refusal: LimitReached) -> None:
        if len(self._refused) >= REMEMBERED_USERS:
            self._refused.clear()
        self._refused[owner_id] = (time.monotonic() + REMEMBERED_SECONDS, refusal)
