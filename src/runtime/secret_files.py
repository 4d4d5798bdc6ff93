"""Keys that are generated once and kept in files which only their owner can read."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from runtime.errors import KeyFileUnusable

#: Names in the data directory, for a machine where nobody gave EVENT_KEY or INTERNAL_SIGNING_KEY.
EVENT_KEY_FILE = "event.key"
SIGNING_KEY_FILE = "signing.key"
AUDIT_KEY_FILE = "audit.key"

FILE_MODE = 0o600
FOLDER_MODE = 0o700
MAX_KEY_BYTES = 64 * 1024
_REMEDY = "restore it from a backup; without it, what it encrypted or signed is lost."
_OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def load_or_create_key(path: Path, generate: Callable[[], str]) -> str:
    """The key in a file; processes that create it at the same time all get the same one.

    Raises KeyFileUnusable when the file is open to other users, empty, or cannot be kept.
    """
    try:
        try:
            return _read(path)
        except FileNotFoundError:
            _create(path, generate())
            return _read(path)
    except OSError as error:
        raise KeyFileUnusable(
            f"The key file {path} cannot be used ({error.strerror}): make its folder writable and"
            " the file readable for this account."
        ) from error
    except UnicodeDecodeError as error:
        raise KeyFileUnusable(f"The key file {path} holds no text: {_REMEDY}") from error


def _read(path: Path) -> str:
    # Looked at and read through one descriptor, so that nobody can exchange the file in between.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        _check(path, os.fstat(descriptor).st_mode)
        key = os.read(descriptor, MAX_KEY_BYTES).decode().strip()
    finally:
        os.close(descriptor)
    if not key:
        raise KeyFileUnusable(f"The key file {path} is empty: {_REMEDY}")
    return key


def _check(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise KeyFileUnusable(f"The key file {path} is not a regular file: name another one.")
    if mode & _OPEN_TO_OTHERS:
        raise KeyFileUnusable(
            f"The key file {path} has mode {stat.S_IMODE(mode):04o}, so that others could use it:"
            f" run `chmod 600 {path}`."
        )


def _create(path: Path, key: str) -> None:
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write(draft, key)
        # A link, not a rename: it never replaces the key of a process that was faster.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _write(draft: Path, key: str) -> None:
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    with open(descriptor, "w") as file:
        file.write(f"{key}\n")
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
