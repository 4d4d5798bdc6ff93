"""The private folder of a server's socket."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from runtime.errors import DataDirUnusable

#: A socket's path has 107 usable bytes on Linux, 103 on macOS.
SOCKET_PATH_BYTES = 103
SOCKET_NAME = ".s.PGSQL.5432"
PREFIX = "verbatim-"
#: As long as what mkdtemp appends to the prefix.
RANDOM_PART = "12345678"
#: PostgreSQL reads the folder as a list, asyncpg a comma as a second host.
UNUSABLE_CHARACTERS = frozenset(",\"'")


def make_socket_dir(data_dir: Path) -> str:
    # A login session's runtime folder would be as short, but it goes when the user logs out,
    # and a server may outlive that.
    for parent in (tempfile.gettempdir(), "/tmp", str(data_dir)):  # noqa: S108
        if not _is_usable(parent):
            continue
        try:
            return tempfile.mkdtemp(prefix=PREFIX, dir=parent)
        except OSError:
            continue
    raise DataDirUnusable(
        "PostgreSQL's socket needs a writable folder whose path has at most "
        f"{SOCKET_PATH_BYTES - len(_path_in(''))} bytes: set TMPDIR to one."
    )


def remove_socket_dir(path: str) -> None:
    if Path(path).name.startswith(PREFIX):
        shutil.rmtree(path, ignore_errors=True)


def _is_usable(parent: str) -> bool:
    is_short = len(os.fsencode(_path_in(parent))) <= SOCKET_PATH_BYTES
    return is_short and not UNUSABLE_CHARACTERS.intersection(parent)


def _path_in(parent: str) -> str:
    return f"{parent}/{PREFIX}{RANDOM_PART}/{SOCKET_NAME}"
