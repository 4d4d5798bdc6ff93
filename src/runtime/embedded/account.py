"""Whom PostgreSQL runs as. It refuses to be root, so root needs another identity for it."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from runtime.embedded.record import foreign
from runtime.errors import BinariesMissing, NoServerAccount

LAUNCHER = Path(__file__).with_name("launch.py")
#: An id the kernel shows for every account a namespace does not know; no good as one's own.
OVERFLOW_ID = 65534
ACCOUNTS_TRIED = ("postgres", "nobody")
PASSABLE_FOLDER_MODE = 0o711
PROBE_SCRIPT = 'test -x "$0" && cd "$1" && test -w .'


@dataclass(frozen=True)
class Identity:
    """`own`: as we are; `namespace`: root's files, an unprivileged uid; `account`: another uid."""

    kind: Literal["own", "namespace", "account"]
    uid: int
    gid: int

    def command(self, *command: str | Path) -> list[str]:
        launcher = [sys.executable, "-I", "-S", str(LAUNCHER)]
        whom = [str(os.getpid()), self.kind, str(self.uid), str(self.gid)]
        return [*launcher, *whom, *map(str, command)]

    def give(self, path: Path) -> None:
        """Hands a file or folder of ours to the identity, where that is another account."""
        if self.kind == "account":
            os.chown(path, self.uid, self.gid)

    def can_run(self, binary: Path, directory: Path) -> bool:
        probe = self.command("/bin/sh", "-c", PROBE_SCRIPT, binary, directory)
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0  # noqa: S603


def identity_for_new(binary: Path, directory: Path, *, is_parent_new: bool) -> Identity:
    """Chooses for an empty `directory` of ours, which then belongs to the identity."""
    if os.geteuid() != 0:
        return _require(Identity("own", os.geteuid(), os.getegid()), binary, directory)
    for identity in _identities_for_root():
        identity.give(directory)
        if identity.kind == "account" and is_parent_new:
            # Passable, not listable. A folder that was there before is not ours to open.
            directory.parent.chmod(PASSABLE_FOLDER_MODE)
        if identity.can_run(binary, directory):
            return identity
    raise _no_account(directory.parent, binary)


def identity_of(cluster: Path) -> Identity:
    """The identity an existing cluster was made with, read from its owner."""
    owner = cluster.stat()
    if os.geteuid() != 0:
        if owner.st_uid != os.geteuid():
            raise foreign(cluster.parent)
        return Identity("own", owner.st_uid, owner.st_gid)
    if owner.st_uid != 0:
        return Identity("account", owner.st_uid, owner.st_gid)
    for identity in _namespaces():
        return identity
    raise _no_account(cluster.parent, LAUNCHER)


def _no_account(data_dir: Path, binary: Path) -> NoServerAccount:
    return NoServerAccount(
        "PostgreSQL does not run as root, user namespaces are not permitted here, and no "
        f"unprivileged account ({', '.join(ACCOUNTS_TRIED)}) can reach both {data_dir} and "
        f"{binary}: run as an ordinary user, give a --data-dir whose folders are passable for all "
        "(mode 711), or set DATABASE_URL."
    )


def _require(identity: Identity, binary: Path, directory: Path) -> Identity:
    if not identity.can_run(binary, directory):
        raise BinariesMissing(f"{binary} cannot be executed: install the dependencies again.")
    return identity


def _identities_for_root() -> Iterator[Identity]:
    if sys.platform == "linux":
        yield from _namespaces()
    for name in ACCOUNTS_TRIED:
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        yield Identity("account", account.pw_uid, account.pw_gid)


def _namespaces() -> Iterator[Identity]:
    # initdb looks its uid up by name, so the inner uid has to be one that /etc/passwd knows.
    accounts = [account for account in pwd.getpwall() if account.pw_uid and account.pw_gid]
    accounts.sort(key=lambda account: (account.pw_uid == OVERFLOW_ID, account.pw_uid))
    for account in accounts[:1]:
        yield Identity("namespace", account.pw_uid, account.pw_gid)
