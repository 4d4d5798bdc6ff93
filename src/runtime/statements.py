"""The room's SQL, one statement a file in runtime/sql."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def load(name: str) -> str:
    return (files("runtime") / "sql" / f"{name}.sql").read_text()
