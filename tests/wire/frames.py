"""One piece of a response body."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Frame:
    body: dict[str, Any] | None
    #: SSE event name; chat completions have none.
    event: str | None = None
    #: Whether it is a delta, which is what scripts count.
    is_chunk: bool = False
    #: Whether it belongs to the end of the stream.
    is_last: bool = False
    gap_seconds: float = 0.0

    def encode(self) -> bytes:
        text = "[DONE]" if self.body is None else json.dumps(self.body, separators=(",", ":"))
        name = f"event: {self.event}\n" if self.event else ""
        return f"{name}data: {text}\n\n".encode()


class Writer(Protocol):
    """One response in one protocol."""

    def frames(self) -> Iterator[Frame]: ...

    def whole(self) -> dict[str, Any]:
        """The answer to a request without `stream`."""
        ...

    def broken(self, event: str, code: str, message: str) -> Frame:
        """The report of an error in mid-stream, at the point that frames() has reached."""
        ...


def cut(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex}"
