"""A request to the host, the same view of both protocols."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

#: How the instructions of a call for a title begin.
NAMING = "Name this conversation:"


@dataclass(frozen=True)
class WireRequest:
    api: Literal["responses", "chat_completions"]
    body: dict[str, Any]
    #: Header names in lower case.
    headers: Mapping[str, str]

    @property
    def is_stream(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def asks_for_title(self) -> bool:
        first = self._items[0] if self._items else {}
        told = (self.body.get("instructions"), first.get("content"))
        return any(isinstance(text, str) and text.startswith(NAMING) for text in told)

    @property
    def last_user_text(self) -> str:
        texts = [_text_of(item.get("content")) for item in self._items if _is_user(item)]
        return texts[-1] if texts else ""

    @property
    def tool_outputs(self) -> list[str]:
        """Outputs of the calls made since the last user message."""
        outputs: list[str] = []
        for item in self._items:
            if _is_user(item):
                outputs.clear()
            elif item.get("type") == "function_call_output":
                outputs.append(_text_of(item.get("output")))
            elif item.get("role") == "tool":
                outputs.append(_text_of(item.get("content")))
        return outputs

    @property
    def size_tokens(self) -> int:
        """A stand-in for the host's count that is the same for the same request."""
        return max(1, len(json.dumps(self._items)) // 4)

    @property
    def _items(self) -> list[dict[str, Any]]:
        items = self.body.get("input" if self.api == "responses" else "messages") or []
        return [{"role": "user", "content": items}] if isinstance(items, str) else items


def _is_user(item: Mapping[str, Any]) -> bool:
    return item.get("role") == "user"


def _text_of(content: object) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return "" if content is None else str(content)
