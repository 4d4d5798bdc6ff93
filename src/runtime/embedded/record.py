"""What a data directory says about its server: who holds it, whether it runs, how to reach it.

postgres/           the cluster
postgres.lock       held with flock by the supervisor
postgres.json       the server of the moment: pid, start time, socket directory
postgres.start.log  what the server said before it opened its log
postgres.password   the password of the role `verbatim`
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from runtime.embedded.process import is_same_process
from runtime.errors import DataDirForeign, DataDirInUse, DataDirUnusable

ROLE = "verbatim"
DATABASE = "verbatim"
PRIVATE_FILE_MODE = 0o600
PRIVATE_FOLDER_MODE = 0o700


def locate(data_dir: Path) -> str | None:
    """The URL of the server that runs on `data_dir` and accepts connections, else None.

    Raises DataDirForeign when the directory is another account's.
    """
    folder = DataDir(data_dir)
    try:
        running = folder.read_server()
        if running is None or not running.ready or not running.is_alive():
            return None
        return url(folder.read_password(), running.socket_dir)
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise foreign(folder.path) from error


def url(password: str, socket_dir: str, database: str = DATABASE) -> str:
    return f"postgresql://{ROLE}:{quote(password)}@/{quote(database)}?host={quote(socket_dir)}"


def foreign(path: Path) -> DataDirForeign:
    return DataDirForeign(
        f"The data directory {path} belongs to another account: run as its owner, or give another "
        "--data-dir."
    )


@dataclass(frozen=True)
class RunningServer:
    pid: int
    started: str
    socket_dir: str
    #: False until the server has accepted connections once.
    ready: bool

    def is_alive(self) -> bool:
        return is_same_process(self.pid, self.started)


class Lock:
    """Held by one supervisor per data directory, until its process ends or releases it."""

    def __init__(self, path: Path) -> None:
        # Python opens it close-on-exec, so PostgreSQL does not keep the lock of a dead supervisor.
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE_MODE)
        if os.fstat(self._file).st_uid != os.geteuid():
            os.close(self._file)
            raise foreign(path.parent)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._file, 32).decode() or "unknown"
            os.close(self._file)
            raise DataDirInUse(
                f"The data directory {path.parent} is in use by process {holder}: stop that "
                "process first, or give another --data-dir."
            ) from None
        os.ftruncate(self._file, 0)
        os.write(self._file, str(os.getpid()).encode())

    def release(self) -> None:
        os.close(self._file)


class DataDir:
    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self.cluster = self.path / "postgres"
        self.unfinished_cluster = self.path / "postgres.new"
        self.password = self.path / "postgres.password"
        self.startup_log = self.path / "postgres.start.log"
        self.is_new = False
        self._lock = self.path / "postgres.lock"
        self._server = self.path / "postgres.json"

    def claim(self) -> Lock:
        """Raises DataDirInUse when another supervisor lives."""
        try:
            self.is_new = self._make()
            return Lock(self._lock)
        except PermissionError as error:
            raise foreign(self.path) from error
        except OSError as error:
            raise DataDirUnusable(
                f"The data directory {self.path} cannot be used ({error.strerror}): give another "
                "--data-dir."
            ) from error

    def _make(self) -> bool:
        try:
            self.path.mkdir(mode=PRIVATE_FOLDER_MODE, parents=True)
        except FileExistsError:
            return False
        return True

    def read_password(self) -> str:
        return self.password.read_text().strip()

    def write_password(self, password: str) -> None:
        write_private(self.password, password)

    def read_server(self) -> RunningServer | None:
        try:
            return RunningServer(**json.loads(self._server.read_text()))
        except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
            return None

    def write_server(self, running: RunningServer) -> None:
        write_private(self._server, json.dumps(asdict(running)))

    def forget_server(self) -> None:
        self._server.unlink(missing_ok=True)


def write_private(path: Path, text: str) -> None:
    """Replaces the file as a whole; nobody else can read it at any moment."""
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE_MODE)
    with os.fdopen(file, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
