"""A recorded exchange in which ids and times stand as placeholders: `$1`, `$2`, ..., `$time`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

EXCHANGE = Path(__file__).parent / "exchange.json"

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_PLACEHOLDER = re.compile(r"\$\d+")


def load_exchange() -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = orjson.loads(EXCHANGE.read_bytes())
    return steps


@dataclass
class Names:
    """Which placeholder stands for which id, by the order they are first seen in."""

    ids: dict[str, str] = field(default_factory=dict)

    def hide(self, tree: Any) -> Any:
        text = _TIME.sub("$time", orjson.dumps(tree).decode())
        return orjson.loads(_ID.sub(lambda match: self._name_of(match[0]), text))

    def fill_in(self, tree: Any) -> Any:
        by_name = {name: found for found, name in self.ids.items()}
        text = orjson.dumps(tree).decode()
        return orjson.loads(_PLACEHOLDER.sub(lambda match: by_name[match[0]], text))

    def _name_of(self, found: str) -> str:
        return self.ids.setdefault(found, f"${len(self.ids) + 1}")
