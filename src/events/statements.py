"""The room's SQL, one statement a file in events/sql."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def load(name: str) -> str:
    return (files("events") / "sql" / f"{name}.sql").read_text()
