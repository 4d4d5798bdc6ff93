"""A backup's file while it is written: it gets its name once it is whole, or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import msgspec

from runtime.backup.format import (
    COUNT,
    DATA,
    FRAME,
    FRAME_BYTES,
    HEADER,
    MAGIC,
    PAGE,
    PAGE_END,
    TRAILER,
    WITHDRAWN,
    Header,
    Trailer,
)
from runtime.errors import BackupNotWritten

FILE_MODE = 0o600


class Draft:
    """`begin`, any number of `add`, `end` for each page; then `finish`, then `publish`."""

    def __init__(self, path: Path, header: Header) -> None:
        """Raises BackupNotWritten, as every method does."""
        self.path = path
        self.rows: Counter[str] = Counter(dict.fromkeys(header.tables, 0))
        self.size_bytes = 0
        self._place = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
        self._digest = hashlib.sha256()
        self._table = ""
        with self._explained():
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._file = os.fdopen(os.open(self._place, flags, FILE_MODE), "wb")
        self._put(MAGIC)
        self._frame(HEADER, msgspec.json.encode(header))

    def begin(self, table: str) -> None:
        self._table = table
        self._frame(PAGE, table.encode())

    async def add(self, content: bytes) -> None:
        """A part of the page's COPY stream; what asyncpg's `output` wants."""
        for start in range(0, len(content), FRAME_BYTES):
            self._frame(DATA, content[start : start + FRAME_BYTES])

    def end(self, rows: int) -> None:
        self.rows[self._table] += rows
        self._frame(PAGE_END, COUNT.pack(rows))

    def withdraw(self, attachment_id: uuid.UUID) -> None:
        """The attachment was deleted after its row was written here."""
        self._frame(WITHDRAWN, attachment_id.bytes)

    def finish(self) -> None:
        self._frame(TRAILER, msgspec.json.encode(Trailer(rows=dict(self.rows))))
        with self._explained():
            self._file.write(self._digest.digest())
            self._file.flush()
            os.fsync(self._file.fileno())
            self.size_bytes = self._file.tell()
            self._file.close()

    def publish(self) -> None:
        with self._explained():
            self._place.replace(self.path)
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def __enter__(self) -> Draft:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(OSError):  # a full disk refuses the rest once more
            self._file.close()
        self._place.unlink(missing_ok=True)

    def _frame(self, kind: bytes, payload: bytes) -> None:
        self._put(FRAME.pack(kind, len(payload)))
        self._put(payload)

    def _put(self, content: bytes) -> None:
        self._digest.update(content)
        with self._explained():
            self._file.write(content)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise BackupNotWritten(str(self.path), reason) from error
