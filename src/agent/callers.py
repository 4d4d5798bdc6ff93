"""Who calls a tool: from a verified token, never from the model's arguments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

#: Keys of MCP's `_meta`; the token stands there only for calls inside the process.
META_RUN_ID = "verbatim/run_id"
META_CALL_ID = "verbatim/call_id"
META_TOKEN = "verbatim/token"  # noqa: S105 - the name of a key


@dataclass(frozen=True, slots=True)
class Caller:
    user_id: str
    #: Present when an agent calls on the user's behalf.
    run_id: str | None = None
    call_id: str | None = None

    @property
    def actor(self) -> str:
        return f"agent:{self.run_id}" if self.run_id else f"user:{self.user_id}"


#: HTTP headers (None inside the process) and `_meta` to the caller; raises on a bad token.
Identify = Callable[[Mapping[str, str] | None, Mapping[str, Any]], Awaitable[Caller]]

#: User id, run id and call id to a token for that one call.
MintToken = Callable[[str, str, str], str]
