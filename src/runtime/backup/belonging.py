"""Whether a backup, its keys and the server that restores it belong together."""

from __future__ import annotations

from runtime.backup.reading import BackupFile
from runtime.errors import BackupMismatch
from runtime.own_keys import find_event_key
from runtime.secret_files import EVENT_KEY_FILE
from runtime.settings import Settings


def check_keys(log: BackupFile, keys: BackupFile) -> None:
    """Raises BackupMismatch unless the keys are those of the log, as new as it or newer."""
    if keys.header.event_key_fingerprint != log.header.event_key_fingerprint:
        raise BackupMismatch(
            f"{keys.path} belongs to another server than {log.path}: their EVENT_KEY differs "
            f"(its fingerprint is {_short(keys)} here and {_short(log)} there)."
        )
    if keys.header.head < log.header.head:
        raise BackupMismatch(
            f"{keys.path} is older than {log.path}: it lacks keys that were made since and holds "
            "keys that may have been destroyed since. Give the one that was written with the "
            "backup, or a newer one."
        )


def check_event_key(log: BackupFile, settings: Settings) -> None:
    """Raises BackupMismatch unless a server with these settings could read the log."""
    wanted = log.header.event_key_fingerprint
    if wanted is None:
        if settings.is_encrypted:
            raise BackupMismatch(
                f"{log.path} was written with VERBATIM_ENCRYPTION=off: set the same to restore it."
            )
        return
    if not settings.is_encrypted:
        raise BackupMismatch(
            f"{log.path} is encrypted, and VERBATIM_ENCRYPTION is off: leave that setting away."
        )
    key = find_event_key(settings)
    if key is None or key.fingerprint != wanted:
        found = f"the given key's is {key.fingerprint[:8]}…" if key else "no key was given"
        raise BackupMismatch(
            f"{log.path} needs the EVENT_KEY it was written with (its fingerprint is "
            f"{_short(log)}, {found}): {_remedy(settings)}."
        )


def _remedy(settings: Settings) -> str:
    if not settings.is_embedded:
        return "set EVENT_KEY to it"
    place = settings.verbatim_data_dir / EVENT_KEY_FILE
    return f"set EVENT_KEY to it, or put that server's {EVENT_KEY_FILE} at {place}"


def _short(backup: BackupFile) -> str:
    fingerprint = backup.header.event_key_fingerprint
    return f"{fingerprint[:8]}…" if fingerprint else "none"
