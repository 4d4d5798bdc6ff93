"""`verbatim ARGS` as a process of its own, against a test's database or a data directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from tests.e2e.serving.server import LAUNCH, environment

COMMAND_SECONDS = 60
EVENT_KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
AUTH_SECRET = "s" * 40


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    def complaint(self) -> str:
        """What went wrong, which is said in one line."""
        (line,) = self.err.splitlines()
        return line


@dataclass(frozen=True)
class CommandLine:
    env: Mapping[str, str]

    def run(self, *arguments: str, **more: str) -> Ran:
        """`more` is environment."""
        return self._run(arguments, subprocess.PIPE, subprocess.PIPE, more)

    def run_talking_to(self, stderr: int, *arguments: str, **more: str) -> Ran:
        return self._run(arguments, subprocess.PIPE, stderr, more)

    def answer(self, *arguments: str, **more: str) -> Ran:
        ran = self.run(*arguments, **more)
        assert ran.code == 0, ran.err
        return ran

    def run_unread(self, *arguments: str) -> Ran:
        """Into a pipe that nobody reads any more."""
        reader, writer = os.pipe()
        os.close(reader)
        try:
            return self._run(arguments, writer, subprocess.PIPE, {})
        finally:
            os.close(writer)

    @contextmanager
    def going(self, *arguments: str) -> Iterator[Going]:
        """A command that goes on; whoever does not stop it leaves that to the end of the block."""
        with subprocess.Popen(
            _command(arguments),
            env=environment(self.env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield Going(process)
            finally:
                process.kill()

    def _run(
        self, arguments: tuple[str, ...], stdout: int, stderr: int, more: Mapping[str, str]
    ) -> Ran:
        done = subprocess.run(
            _command(arguments),
            env=environment({**self.env, **more}),
            stdout=stdout,
            stderr=stderr,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        return Ran(done.returncode, (done.stdout or b"").decode(), (done.stderr or b"").decode())


class Going:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: SimpleQueue[str] = SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def line(self) -> str:
        return self._lines.get(timeout=COMMAND_SECONDS)

    def stop(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(COMMAND_SECONDS)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))


def on_database(url: str) -> CommandLine:
    return CommandLine(
        {"DATABASE_URL": url, "EVENT_KEY": EVENT_KEY, "BETTER_AUTH_SECRET": AUTH_SECRET}
    )


def on_folder(data_dir: Path) -> CommandLine:
    return CommandLine({"VERBATIM_DATA_DIR": str(data_dir)})


def _command(arguments: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-P", "-c", LAUNCH, *arguments]
