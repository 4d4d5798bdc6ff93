"""Backups: the truth of a database in one file, the keys to read it with in another."""

from runtime.backup.belonging import check_event_key, check_keys
from runtime.backup.reading import BackupFile
from runtime.backup.restoring import Restored, find_use, restore_backup
from runtime.backup.writing import Written, write_backup

__all__ = [
    "BackupFile",
    "Restored",
    "Written",
    "check_event_key",
    "check_keys",
    "find_use",
    "restore_backup",
    "write_backup",
]
