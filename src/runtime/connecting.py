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
LONGEST_PAUSE_SECONDS = 0.5
#: Routers forget a silent connection after some minutes, and tell neither end.
KEEPALIVE_IDLE_SECONDS = 60
KEEPALIVE_INTERVAL_SECONDS = 10
KEEPALIVE_PROBES = 3

#: What a proxy answers for a database that it cannot wake, and a database that is closed for now.
REFUSING = (asyncpg.InternalServerError, asyncpg.ObjectNotInPrerequisiteStateError)
#: What a database looks like that is not there yet, or not any more.
AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    *REFUSING,
)
#: What asyncpg raises for a connection that it had and lost.
LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
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
            if _left(deadline) <= pause_seconds and isinstance(error, REFUSING):
                raise ConnectionRefusedError(type(error).__name__) from error
            if _left(deadline) <= pause_seconds or isinstance(error, ssl.SSLError):
                raise
            if pause_seconds == FIRST_PAUSE_SECONDS:
                log.info("database_away", place=arguments.place, error=type(error).__name__)
        await asyncio.sleep(pause_seconds)
        pause_seconds = min(pause_seconds * 2, LONGEST_PAUSE_SECONDS)


def _left(deadline: float) -> float:
    return deadline - time.monotonic()


def keep_alive(connection: asyncpg.Connection) -> None:
    """The kernel asks the other end now and then whether it is still there, which is no statement
    and wakes no database."""
    # asyncpg has neither an option for it nor a public way to the socket.
    wire = connection._transport.get_extra_info("socket")
    if wire is None or wire.family not in (socket.AF_INET, socket.AF_INET6):
        return
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_IDLE_SECONDS),
        ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL_SECONDS),
        ("TCP_KEEPCNT", KEEPALIVE_PROBES),
    ):
        if hasattr(socket, option):
            wire.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def is_lost(error: Exception) -> bool:
    """Whether a statement failed because its connection did."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, LOST)
    state = str(getattr(error.orig, "sqlstate", None) or "")
    return error.connection_invalidated or state.startswith(_LOST_CLASS) or state in _LOST_STATES


def reason_of(error: BaseException, arguments: ConnectArguments) -> str:
    """Why there is no connection, in a few words without anything secret."""
    if isinstance(error, DBAPIError):
        error = getattr(error.orig, "driver_exception", None) or error.orig or error
    if isinstance(error.__cause__, REFUSING):
        error = error.__cause__
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
