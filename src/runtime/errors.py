"""The errors of this room.

VerbatimRuntimeError
├── InvalidSettings         a setting is missing or contradicts another
│   └── InvalidDatabaseUrl  a database URL cannot be read
├── KeyFileUnusable         a generated key cannot be kept or is open to others
├── DatabaseUnreachable     DATABASE_URL does not answer
├── ListenUnavailable       only a transaction pooler is known, and it cannot LISTEN
├── MigrationNeeded         the database is not at this release's schema
├── LogDamaged              the log does not hold what was sealed into it
├── BackupError             a backup cannot be written or restored
│   ├── BackupNotWritten    the file system refuses
│   ├── BackupUnreadable    the file is cut off, altered, or none of ours
│   ├── BackupMismatch      the files, or file and server, do not belong together
│   └── DatabaseNotEmpty    there are events where the backup's are to go
└── EmbeddedError           the embedded PostgreSQL server cannot be used as asked
    ├── BinariesMissing     the PostgreSQL programs are not installed
    ├── DataDirInUse        another process runs a server on this data directory
    ├── DataDirForeign      the data directory belongs to another account
    ├── DataDirUnusable     the data directory cannot be created, read or continued
    ├── NoServerAccount     started as root, and no unprivileged identity can run PostgreSQL
    └── ServerNotStarted    PostgreSQL gave up while starting
"""

from __future__ import annotations


class VerbatimRuntimeError(Exception):
    """Base of every error of the runtime room; its text is one sentence for a person."""


class InvalidSettings(VerbatimRuntimeError):
    """The message names the setting and what it should be."""


class InvalidDatabaseUrl(InvalidSettings):
    """The message says what is wrong with the URL and never repeats it."""


class KeyFileUnusable(VerbatimRuntimeError):
    pass


class DatabaseUnreachable(VerbatimRuntimeError):
    def __init__(self, reason: str, setting: str = "DATABASE_URL") -> None:
        super().__init__(f"The database cannot be reached ({reason}): check {setting}.")


class ListenUnavailable(VerbatimRuntimeError):
    def __init__(self) -> None:
        super().__init__(
            "A transaction pooler cannot LISTEN: set DATABASE_DIRECT_URL, or poll instead."
        )


class MigrationNeeded(VerbatimRuntimeError):
    def __init__(self, found: str | None, wanted: str) -> None:
        super().__init__(
            f"The database is at schema {found or 'none'}, this release needs {wanted}: "
            "run `verbatim db migrate`."
        )


class LogDamaged(VerbatimRuntimeError):
    """The message names the first position that is wrong, and how."""

    def __init__(self, position: int, fault: str) -> None:
        super().__init__(f"The log is damaged at position {position}: {fault}.")
        self.position = position


class BackupError(VerbatimRuntimeError):
    pass


class BackupNotWritten(BackupError):
    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"The backup cannot be written to {place} ({reason}): name another file.")


class BackupUnreadable(BackupError):
    """The message says which file, and what is wrong with it."""


class BackupMismatch(BackupError):
    pass


class DatabaseNotEmpty(BackupError):
    def __init__(self) -> None:
        super().__init__(
            "This database holds events, and no event is ever removed or written over: restore "
            "into an empty database or data directory."
        )


class EmbeddedError(VerbatimRuntimeError):
    pass


class BinariesMissing(EmbeddedError):
    pass


class DataDirInUse(EmbeddedError):
    pass


class DataDirForeign(EmbeddedError):
    pass


class DataDirUnusable(EmbeddedError):
    pass


class NoServerAccount(EmbeddedError):
    pass


class ServerNotStarted(EmbeddedError):
    pass
