"""Runs a migration's SQL file: many statements, so the simple query protocol."""

from __future__ import annotations

from importlib.resources import files

from alembic import op


def execute_script(name: str) -> None:
    script = (files("runtime.migrations") / "sql" / f"{name}.sql").read_text()
    adapted = op.get_bind().connection.dbapi_connection
    if adapted is None:
        raise RuntimeError("The migration's connection was closed.")
    adapted.run_async(lambda driver: driver.execute(script))
