"""Opens for a command what `serve` opens for itself: the database, the keys and the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from cli.terminal import say
from events.group_commit import GroupCommit
from events.keys import KeyRing
from events.listener import Listener
from events.signal import LogSignal
from events.store import EventStore
from runtime.settings import Settings, load_settings

T = TypeVar("T")


@dataclass(frozen=True)
class OpenLog:
    pool: asyncpg.Pool
    store: EventStore
    keys: KeyRing
    signal: LogSignal
    #: None where only a transaction pooler is known.
    listener: Listener | None


def settings_of(data_dir: str | None = None, **overrides: Any) -> Settings:
    path = Path(data_dir).expanduser().absolute() if data_dir else None
    return load_settings(verbatim_data_dir=path, **overrides)


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """The database `serve` uses: DATABASE_URL, the running embedded server, or one started now."""
    if settings.database_url is not None:
        secret = settings.database_direct_url or settings.database_url
        yield secret.get_secret_value()
        return
    from runtime.embedded import locate, start

    found = locate(settings.verbatim_data_dir)
    if found is not None:
        yield found
        return
    with start(settings.verbatim_data_dir, say=say) as server:
        yield server.url


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


@asynccontextmanager
async def open_log(settings: Settings, url: str) -> AsyncIterator[OpenLog]:
    """The log for reading; raises MigrationNeeded, InvalidEventKey, DatabaseUnreachable."""
    from runtime.database import open_database
    from runtime.migrations import check
    from runtime.own_keys import open_key_ring
    from runtime.urls import database_urls

    async with open_database(
        database_urls(url), start_timeout_seconds=settings.database_start_timeout_seconds
    ) as database:
        await check(url)
        keys = await open_key_ring(settings, database.direct)
        signal = LogSignal()
        store = EventStore(database.direct, keys, GroupCommit(database.direct))
        listener = Listener(database.connect_listener, signal) if database.can_listen else None
        yield OpenLog(database.direct, store, keys, signal, listener)
