"""The room's SQL, one statement a file in agent/sql."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def load(name: str) -> str:
    return (files("agent") / "sql" / f"{name}.sql").read_text()
