"""`verbatim backup` and `verbatim restore`: the truth, in files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import CliError, Usage
from cli.opened import database_url, direct_alone, open_log, run, settings_of
from cli.progress import reporting
from cli.terminal import AsJson, DataDir, ask, print_json, say

if TYPE_CHECKING:
    import asyncpg

    from cli.progress import Reporter
    from runtime.backup import BackupFile, Restored, Written
    from runtime.settings import Settings

KEYS_SUFFIX = ".keys"

KeysFile = Annotated[
    Path | None,
    typer.Option("--keys", help="File of the data keys; default: FILE with .keys at its end."),
]


def backup(
    file: Annotated[Path, typer.Argument(help="Where the backup goes.")],
    keys: KeysFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="Replace files that exist.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write everything that cannot be derived to a file, and the data keys to another one."""
    keys = _keys_beside(file, keys)
    for path in (file, keys):
        if path.exists():
            ask(f"{path} exists already.", "Replace it?", yes)
    settings = settings_of(data_dir)
    with database_url(settings) as url:
        written = run(_backup(settings, url, file, keys, as_json))
    if as_json:
        print_json(_written_row(file, keys, written))
        return
    say(
        f"{file} holds the log up to position {written.head} and "
        f"{written.rows['attachments']} attachments ({written.size_bytes:,} bytes)."
    )
    say(_about_keys(keys, written))


def restore(
    file: Annotated[Path, typer.Argument(help="The backup to bring up.")],
    keys: KeysFile = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Drop what a server without any events has left.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Bring a backup up in an empty database, verified; the newest keys file belongs with it."""
    settings = settings_of(data_dir)
    with ExitStack() as stack, reporting(as_json=as_json) as reporter:
        log, data_keys = open_backup(settings, file, keys, stack, reporter)
        _refuse_running(settings)
        url = stack.enter_context(database_url(settings, creates=True))
        run(_prepare(settings, url, yes))
        restored = run(bring_up(settings, url, log, data_keys, reporter))
    if as_json:
        print_json(_restored_row(file, restored))
        return
    say(f"The log is whole up to position {restored.head}; {restored.attachments} attachments.")
    if restored.unreadable_owners:
        say(
            "Users whose content cannot be read, because their key was destroyed: "
            f"{restored.unreadable_owners}."
        )


def open_backup(
    settings: Settings, file: Path, keys: Path | None, stack: ExitStack, reporter: Reporter
) -> tuple[BackupFile, BackupFile | None]:
    """Both files of a backup, each whole, of one database and of this EVENT_KEY."""
    from runtime.backup import BackupFile, check_event_key, check_keys

    log = stack.enter_context(BackupFile(file, "log"))
    data_keys = _open_keys(log, _keys_beside(file, keys), stack, is_named=keys is not None)
    for each in (log, data_keys):
        if each is not None:
            each.check(reporter.of(f"checking {each.path.name}", "bytes"))
    if data_keys is not None:
        check_keys(log, data_keys)
    check_event_key(log, settings)
    return log, data_keys


async def _backup(settings: Settings, url: str, file: Path, keys: Path, as_json: bool) -> Written:
    from runtime.backup import write_backup
    from runtime.migrations import check

    await check(url)
    async with _connected(settings, url) as connection:
        with reporting(as_json=as_json) as reporter:
            on_progress = reporter.of("backing up", "events")
            return await write_backup(connection, file, keys, on_progress=on_progress)


async def _prepare(settings: Settings, url: str, yes: bool) -> None:
    from runtime.backup import find_use
    from runtime.migrations import migrate

    async with _connected(settings, url) as connection:
        is_used = await find_use(connection)
    if is_used:
        ask("A server has left keys in this database, but no events.", "Drop them?", yes)
    await migrate(url, settings.database_start_timeout_seconds)


async def bring_up(
    settings: Settings, url: str, log: BackupFile, keys: BackupFile | None, reporter: Reporter
) -> Restored:
    """Into a database at this release's schema, with its read tables."""
    from projections.building import Builder
    from runtime.backup import restore_backup

    async with _connected(settings, url) as connection:
        restored = await restore_backup(
            connection,
            log,
            keys,
            on_load=reporter.of("loading", "events"),
            on_verify=reporter.of("verifying", "events"),
        )
    # The read tables, which a server would else build when it starts.
    async with open_log(settings, url) as opened:
        on_progress = reporter.of("building the read tables", "events")
        await Builder(opened.pool, opened.store, on_progress=on_progress).ensure_live()
    return restored


@asynccontextmanager
async def _connected(settings: Settings, url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection without a time limit for statements. Raises DatabaseUnreachable."""
    from runtime.connecting import UNREACHABLE, connect_patiently, reason_of
    from runtime.errors import DatabaseUnreachable

    arguments = direct_alone(settings, url).direct
    try:
        connection = await connect_patiently(arguments, settings.database_start_timeout_seconds)
    except UNREACHABLE as error:
        raise DatabaseUnreachable(reason_of(error, arguments), arguments.setting) from error
    try:
        yield connection
    except BaseException:
        connection.terminate()
        raise
    await connection.close()


def _open_keys(
    log: BackupFile, path: Path, stack: ExitStack, *, is_named: bool
) -> BackupFile | None:
    from runtime.backup import BackupFile

    if not is_named and not path.exists():
        if log.header.event_key_fingerprint is None:
            return None
        raise Usage(f"There is no {path}: name the file of the data keys with --keys.")
    return stack.enter_context(BackupFile(path, "keys"))


def _refuse_running(settings: Settings) -> None:
    if not settings.is_embedded:
        return
    from runtime.embedded import locate

    if locate(settings.verbatim_data_dir) is not None:
        raise CliError(
            f"A server runs on {settings.verbatim_data_dir}: stop it first, or restore into "
            "another --data-dir."
        )


def _keys_beside(file: Path, keys: Path | None) -> Path:
    return keys or file.with_name(file.name + KEYS_SUFFIX)


def _about_keys(keys: Path, written: Written) -> str:
    if not written.is_encrypted:
        return "Nothing in it is encrypted: whoever has the file can read it."
    return (
        f"{keys} holds the {written.rows['data_keys']} data keys to read it with. Keep it for days "
        "only, and apart: until it is deleted, what users have erased since can still be read."
    )


def _written_row(file: Path, keys: Path, written: Written) -> dict[str, Any]:
    return {
        "event": "written",
        "file": str(file),
        "keys": str(keys),
        "position": written.head,
        "taken_at": written.taken_at.isoformat(),
        "rows": dict(written.rows),
        "bytes": written.size_bytes,
        "is_encrypted": written.is_encrypted,
    }


def _restored_row(file: Path, restored: Restored) -> dict[str, Any]:
    return {
        "event": "restored",
        "file": str(file),
        "position": restored.head,
        "attachments": restored.attachments,
        "data_keys": restored.data_keys,
        "unreadable_owners": restored.unreadable_owners,
    }
