"""The library's own recorder on our log, signed in with a role that may only select."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from events.listener import LOG_CHANNEL

VIEW = "stored_events"


@asynccontextmanager
async def select_only_role(pool: asyncpg.Pool) -> AsyncIterator[tuple[str, str]]:
    """The name and password of a role that may read the view, and nothing else of ours."""
    role, password = f"reader_{secrets.token_hex(8)}", secrets.token_hex(16)
    await pool.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
    await pool.execute(f"GRANT USAGE ON SCHEMA verbatim TO {role}")
    await pool.execute(f"GRANT SELECT ON verbatim.{VIEW} TO {role}")
    try:
        yield role, password
    finally:
        await pool.execute(f"DROP OWNED BY {role}")
        await pool.execute(f"DROP ROLE {role}")


@contextmanager
def stock_recorder(url: str, role: str, password: str) -> Iterator[PostgresApplicationRecorder]:
    place = conninfo_to_dict(url)
    with PostgresDatastore(
        dbname=str(place["dbname"]),
        host=str(place["host"]),
        port=str(place.get("port", "5432")),
        user=role,
        password=password,
        pool_size=2,
        schema="verbatim",
        originator_id_type="text",
    ) as datastore:
        recorder = PostgresApplicationRecorder(datastore, events_table_name=VIEW)
        recorder.channel_name = LOG_CHANNEL
        yield recorder
