"""What the tests of the embedded server ask of a server from outside."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from runtime.embedded import EmbeddedServer, start

SUPERVISOR = Path(__file__).with_name("supervisor.py")
SOURCES = Path(__file__).parents[3] / "src"
DEADLINE_SECONDS = 30.0


def say_nothing(_: str) -> None:
    pass


def start_quickly(data_dir: Path) -> EmbeddedServer:
    """For a test that needs a server, but not that its files outlive the machine."""
    return start(data_dir, say=say_nothing, settings={"fsync": "off"})


def query(url: str, statement: str) -> Any:
    async def ask() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(ask())


def processes_of(data_dir: Path) -> list[int]:
    """The pids of the server and its children: all of them work in the cluster's folder."""
    cluster = str(data_dir / "postgres")
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if works_in(entry, cluster)]


def works_in(process: Path, folder: str) -> bool:
    try:
        return (process / "cwd").readlink() == Path(folder)
    except OSError:
        return False


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@dataclass
class Supervisor:
    process: subprocess.Popen[str]
    report: dict[str, Any]


@contextmanager
def supervisor(
    data_dir: Path, *options: str, python: str = sys.executable, **process_options: Any
) -> Iterator[Supervisor]:
    """A supervisor process; its standard input closes, and so it stops, at the end."""
    paths = [str(SOURCES), str(Path(asyncpg.__file__).parents[1])]
    process = subprocess.Popen(
        [python, "-P", str(SUPERVISOR), str(data_dir), *options],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        **process_options,
    )
    with process:
        assert process.stdout is not None
        yield Supervisor(process, json.loads(process.stdout.readline()))


def python_for(uid: int, gid: int) -> str:
    """A Python of this version that the account can execute, with our packages; or a skip."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        probe = [candidate, "-c", f"import os; os.listdir({str(SOURCES)!r})"]
        try:
            subprocess.run(
                probe, user=uid, group=gid, extra_groups=[], check=True, capture_output=True
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return candidate
    pytest.skip(f"the account {uid} can reach no {version} and our sources")
