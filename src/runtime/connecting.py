"""Connecting to a database that may be asleep, starting or gone."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from typing import Any

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError

from runtime.urls import ConnectArguments

log = structlog.get_logger()

ATTEMPT_SECONDS = 10.0
LEAST_ATTEMPT_SECONDS = 0.1
RECONNECT_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0

#: What a database looks like that is not there yet, or not any more.
AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
#: What `open_database` reports as unreachable; anything else is a bug of ours.
UNREACHABLE = (*AWAY, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError)
#: SQLSTATEs of a session that the server ended (class 08 and operator intervention).
_LOST_CLASS = "08"
_LOST_STATES = frozenset({"57P01", "57P02", "57P03", "57P05"})


async def connect_patiently(
    arguments: ConnectArguments, within_seconds: float, **options: Any
) -> asyncpg.Connection:
    """A new connection, tried again while the database is away; then the last error is raised."""
    deadline = time.monotonic() + within_seconds
    pause_seconds = FIRST_PAUSE_SECONDS
    while True:
        attempt_seconds = max(LEAST_ATTEMPT_SECONDS, min(ATTEMPT_SECONDS, _left(deadline)))
        try:
            return await asyncpg.connect(**arguments.keywords(), **options, timeout=attempt_seconds)
        except AWAY as error:
            if _left(deadline) <= pause_seconds or isinstance(error, ssl.SSLError):
                raise
            if pause_seconds == FIRST_PAUSE_SECONDS:
                log.info("database_away", place=arguments.place, error=type(error).__name__)
        await asyncio.sleep(pause_seconds)
        pause_seconds = min(pause_seconds * 2, LONGEST_PAUSE_SECONDS)


def _left(deadline: float) -> float:
    return deadline - time.monotonic()


def is_lost(error: DBAPIError) -> bool:
    """Whether a statement failed because its connection did."""
    state = str(getattr(error.orig, "sqlstate", None) or "")
    return error.connection_invalidated or state.startswith(_LOST_CLASS) or state in _LOST_STATES


def reason_of(error: BaseException, arguments: ConnectArguments) -> str:
    """Why there is no connection, in a few words without anything secret."""
    if isinstance(error, DBAPIError):
        error = getattr(error.orig, "driver_exception", None) or error.orig or error
    match error:
        case socket.gaierror():
            return f"the name in {arguments.place} is not known"
        case ssl.SSLCertVerificationError():
            return f"the certificate of {arguments.place} is not trusted: {error.verify_message}"
        case TimeoutError():
            return f"no answer from {arguments.place} in time"
        case asyncpg.PostgresError():
            return f"{arguments.place} says: {str(error.args[0]).splitlines()[0]}"
        case OSError():
            return f"nothing listens at {arguments.place}"
    return f"{type(error).__name__} at {arguments.place}"
