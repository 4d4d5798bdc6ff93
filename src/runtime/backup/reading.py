"""Reads a backup's file: first whole, to know that it is whole, then page by page."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NoReturn, TypeVar

import msgspec

from runtime.backup.format import (
    COUNT,
    DATA,
    DIGEST_BYTES,
    FORMAT,
    FRAME,
    FRAME_BYTES,
    HEADER,
    ID_BYTES,
    MAGIC,
    PAGE,
    PAGE_END,
    TRAILER,
    WITHDRAWN,
    FileKind,
    Header,
    Release,
    Trailer,
    tables_of,
)
from runtime.errors import BackupUnreadable
from runtime.migrations import HEAD

#: Is told how much is done, and of how much.
Progress = Callable[[int, int], None]

T = TypeVar("T")


class Page:
    """Rows of one table: exhaust `content`, then `rows` says how many they were."""

    def __init__(self, table: str, content: Iterator[bytes]) -> None:
        self.table = table
        self.content = content
        self.rows = 0


class BackupFile:
    """Raises BackupUnreadable, here and while it is read."""

    def __init__(self, path: Path, kind: FileKind) -> None:
        self.path = path
        self._file = _open(path)
        self.size_bytes = os.fstat(self._file.fileno()).st_size
        self._digest = hashlib.sha256()
        self.rows: Counter[str] = Counter()
        try:
            self.header = self._read_header(kind)
        except BaseException:
            self.close()
            raise
        self._start = self._file.tell()
        self._start_digest = self._digest.copy()

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> BackupFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def check(self, on_progress: Progress = lambda done, total: None) -> None:
        """Reads everything once; what is told is bytes."""
        for item in self.items():
            if isinstance(item, Page):
                for _ in item.content:
                    on_progress(self._file.tell(), self.size_bytes)
        on_progress(self.size_bytes, self.size_bytes)

    def items(self) -> Iterator[Page | uuid.UUID]:
        """Pages, and the ids of attachments that were deleted after their rows were written.

        Only its end tells that the file is whole.
        """
        self._file.seek(self._start)
        self._digest = self._start_digest.copy()
        self.rows = Counter(dict.fromkeys(self.header.tables, 0))
        while True:
            kind, payload = self._frame()
            if kind == PAGE and payload.decode("ascii", "replace") in self.header.tables:
                page = Page(payload.decode(), iter(()))
                page.content = self._content(page)
                yield page
                for _ in page.content:
                    pass
            elif kind == WITHDRAWN and len(payload) == ID_BYTES:
                yield uuid.UUID(bytes=payload)
            elif kind == TRAILER:
                self._end(payload)
                return
            else:
                self._refuse_altered()

    def _content(self, page: Page) -> Iterator[bytes]:
        while True:
            kind, payload = self._frame()
            if kind == DATA:
                yield payload
            elif kind == PAGE_END and len(payload) == COUNT.size:
                (page.rows,) = COUNT.unpack(payload)
                self.rows[page.table] += page.rows
                return
            else:
                self._refuse_altered()

    def _end(self, payload: bytes) -> None:
        expected = self._digest.digest()
        if self._take(DIGEST_BYTES, is_hashed=False) != expected or self._file.read(1):
            self._refuse_altered()
        if _decoded(payload, Trailer) != Trailer(rows=dict(self.rows)):
            self._refuse_altered()

    def _read_header(self, wanted: FileKind) -> Header:
        if self._file.read(len(MAGIC)) != MAGIC:
            raise BackupUnreadable(f"{self.path} is no backup: it begins with something else.")
        self._digest.update(MAGIC)
        kind, payload = self._frame()
        release = _decoded(payload, Release) if kind == HEADER else None
        if release is None:
            self._refuse_altered()
        if release.format > FORMAT or release.revision > HEAD:
            raise BackupUnreadable(
                f"{self.path} was written by a newer release: restore it with that one."
            )
        header = _decoded(payload, Header)
        if header is None:
            self._refuse_altered()
        if header.kind != wanted:
            raise BackupUnreadable(
                f"{self.path} holds the {_HOLDS[header.kind]} of a backup, where the file with "
                f"the {_HOLDS[wanted]} was expected."
            )
        known = tables_of(wanted)
        for table, columns in header.tables.items():
            if not set(columns) <= set(known.get(table, ())):
                self._refuse_altered()
        return header

    def _frame(self) -> tuple[bytes, bytes]:
        kind, length = FRAME.unpack(self._take(FRAME.size))
        if length > FRAME_BYTES:
            self._refuse_altered()
        return kind, self._take(length)

    def _take(self, size: int, *, is_hashed: bool = True) -> bytes:
        try:
            content = self._file.read(size)
        except OSError as error:
            raise _unreadable(self.path, error) from error
        if len(content) < size:
            raise BackupUnreadable(
                f"{self.path} ends after {self.size_bytes} bytes, in the middle of a backup: it "
                "was cut off. Copy it again, or take another backup."
            )
        if is_hashed:
            self._digest.update(content)
        return content

    def _refuse_altered(self) -> NoReturn:
        raise BackupUnreadable(
            f"{self.path} is not as it was written (its SHA-256 checksum differs): it was altered "
            "or damaged. Copy it again, or take another backup."
        )


_HOLDS = {"log": "events", "keys": "data keys"}


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> BackupUnreadable:
    return BackupUnreadable(f"{path} cannot be read ({error.strerror}): name another file.")


def _decoded(payload: bytes, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(payload, type=kind)
    except msgspec.MsgspecError:
        return None
