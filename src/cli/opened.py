"""Opens for a command what `serve` opens for itself: the database, the keys and the log.

What takes long to import is imported by whoever needs it, so that `--help` answers at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cli.errors import CliError
from cli.terminal import say

if TYPE_CHECKING:
    import asyncpg

    from events.group_commit import GroupCommit
    from events.keys import KeyRing
    from events.listener import Listener
    from events.signal import LogSignal
    from events.store import EventStore
    from runtime.settings import Settings
    from runtime.urls import DatabaseUrls

T = TypeVar("T")

#: How long another process may take to start or stop the embedded server.
PATIENCE_SECONDS = 15.0
LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class OpenLog:
    pool: asyncpg.Pool
    store: EventStore
    #: For whoever appends, who runs it.
    commits: GroupCommit
    keys: KeyRing
    signal: LogSignal
    #: None where only a transaction pooler is known.
    listener: Listener | None


def settings_of(data_dir: str | None = None, **overrides: Any) -> Settings:
    from runtime.settings import load_settings

    path = Path(data_dir).expanduser().absolute() if data_dir else None
    return load_settings(verbatim_data_dir=path, **overrides)


@contextmanager
def database_url(settings: Settings, *, creates: bool = False) -> Iterator[str]:
    """The database `serve` uses: DATABASE_URL, the running embedded server, or one started now."""
    if settings.database_url is not None:
        secret = settings.database_direct_url or settings.database_url
        yield secret.get_secret_value()
        return
    with _embedded(settings.verbatim_data_dir, creates) as url:
        yield url


def run(work: Coroutine[Any, Any, T]) -> T:
    """Awaits a command's work; what that logs goes to stderr."""
    from runtime.logs import configure_logs

    configure_logs("warning")
    return asyncio.run(work)


@asynccontextmanager
async def open_log(settings: Settings, url: str) -> AsyncIterator[OpenLog]:
    """The log for reading; raises MigrationNeeded, InvalidEventKey, DatabaseUnreachable."""
    from events.group_commit import GroupCommit
    from events.listener import Listener
    from events.signal import LogSignal
    from events.store import EventStore
    from runtime.database import open_database
    from runtime.migrations import check
    from runtime.own_keys import open_key_ring

    async with open_database(
        direct_alone(settings, url), start_timeout_seconds=settings.database_start_timeout_seconds
    ) as database:
        await check(url)
        keys = await open_key_ring(settings, database.direct)
        signal = LogSignal()
        commits = GroupCommit(database.direct)
        store = EventStore(database.direct, keys, commits)
        listener = Listener(database.connect_listener, signal) if database.can_listen else None
        yield OpenLog(database.direct, store, commits, keys, signal, listener)


@asynccontextmanager
async def appending(log: OpenLog) -> AsyncIterator[None]:
    """Inside, the store can append; what was appended is sealed at the end."""
    from events.sealer import Sealer

    commits = asyncio.create_task(log.commits.run())
    try:
        yield
    finally:
        log.commits.close()
        await commits
        await Sealer(log.pool, log.signal).seal()


def direct_alone(settings: Settings, url: str) -> DatabaseUrls:
    """No command reads through a pooler where there is a way past it."""
    from runtime.urls import DatabaseUrls, database_urls

    is_given = settings.database_url is not None and settings.database_direct_url is None
    direct = database_urls(url, pooler=settings.database_pooler if is_given else "auto").direct
    return DatabaseUrls(direct, direct)


@contextmanager
def _embedded(data_dir: Path, creates: bool) -> Iterator[str]:
    from runtime.embedded import locate
    from runtime.embedded.record import DataDir

    if not creates and locate(data_dir) is None and not DataDir(data_dir).cluster.is_dir():
        raise CliError(
            f"There is no database in {data_dir}: run `verbatim serve` first, or name another "
            "--data-dir or a DATABASE_URL."
        )
    with _found_or_started(data_dir) as url:
        yield url


def _found_or_started(data_dir: Path) -> AbstractContextManager[str]:
    from runtime.embedded import locate
    from runtime.errors import DataDirInUse

    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        if found := locate(data_dir):
            return nullcontext(found)
        try:
            return _started(data_dir)
        except DataDirInUse:
            # Another process is starting or stopping it.
            if time.monotonic() > deadline:
                raise
        time.sleep(LOOK_SECONDS)


def _started(data_dir: Path) -> AbstractContextManager[str]:
    from runtime.embedded import start

    server = start(data_dir, say=say)

    @contextmanager
    def stopping() -> Iterator[str]:
        with server:
            yield server.url

    return stopping()
