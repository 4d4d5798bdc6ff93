"""`verbatim serve` as a process of its own, as a user starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil

ROOT = Path(__file__).parents[3]
#: What a shell runs in the background ignores SIGINT, and so would its children.
LAUNCH = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from cli.main import main; sys.exit(main())"
)
READY_SECONDS = 90
STOP_SECONDS = 30
#: Settings of whoever runs the tests must not reach the servers under test.
FOREIGN = (
    "APPROVAL_",
    "DATABASE_",
    "EVENT_KEY",
    "OPENAI_",
    "BETTER_AUTH_",
    "VERBATIM_",
    "AGENT_",
    "MCP_",
)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    # An ordinary user's Python may be another one than that of our environment.
    paths = os.pathsep.join((str(ROOT / "src"), sysconfig.get_path("purelib")))
    return kept | {"PYTHONPATH": paths} | dict(extra or {})


class Server:
    def __init__(self, process: subprocess.Popen[str], data_dir: Path) -> None:
        self.process = process
        self.data_dir = data_dir
        self.errors: list[str] = []
        self._reading = threading.Thread(target=self._read_errors, daemon=True)
        self._reading.start()
        self.sign_in_url = self._first_line()
        parts = urlsplit(self.sign_in_url)
        self.url = f"{parts.scheme}://{parts.netloc}"
        self.family = [process.pid, *(c.pid for c in psutil.Process(process.pid).children(True))]

    @contextmanager
    def signed_in(self) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=self.url, timeout=30, follow_redirects=True) as client:
            client.get(self.sign_in_url).raise_for_status()
            yield client

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def drain(self) -> None:
        """Of a process that has ended: whatever it still had to say, and its pipes closed."""
        self._reading.join(STOP_SECONDS)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()

    def left_over(self, within_seconds: float = 15) -> list[str]:
        """What still runs of everything this server had started."""
        deadline = time.monotonic() + within_seconds
        while (left := self._alive()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return left

    def _alive(self) -> list[str]:
        found = []
        for process in psutil.process_iter(["pid", "cmdline", "status"]):
            command = " ".join(process.info["cmdline"] or [])
            is_ours = process.info["pid"] in self.family or str(self.data_dir) in command
            if is_ours and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(command)
        return found

    def _first_line(self) -> str:
        lines: list[str] = []
        stdout = self.process.stdout
        assert stdout is not None
        reading = threading.Thread(target=lambda: lines.append(stdout.readline()), daemon=True)
        reading.start()
        reading.join(READY_SECONDS)
        if not lines or not lines[0]:
            self.process.kill()
            self._reading.join(READY_SECONDS)
            raise AssertionError("the server did not start:\n" + "".join(self.errors))
        return lines[0].strip()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(self.process.stderr)


@contextmanager
def serving(
    data_dir: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    python: str = sys.executable,
    **account: Any,
) -> Iterator[Server]:
    process = subprocess.Popen(
        [python, "-P", "-c", LAUNCH, "serve", "--port=0", f"--data-dir={data_dir}", *arguments],
        env=environment(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **account,
    )
    with process:
        server = Server(process, data_dir)
        try:
            yield server
        finally:
            if process.poll() is None:
                server.stop()
            assert server.left_over() == []


def verbatim(data_dir: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """What a command of the command line prints on stdout."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", LAUNCH, *arguments, "--data-dir", str(data_dir)],
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def say(client: httpx.Client, text: str, conversation_id: str | None = None) -> dict[str, Any]:
    """Sends a message as the signed-in user and waits for the reply."""
    user_id = client.get("/api/session").json()["user_id"]
    body = {"message": text} | ({"conversation_id": conversation_id} if conversation_id else {})
    answer = client.post(
        f"/api/{user_id}/chat",
        json=body,
        headers={"Accept": "application/json", "Origin": str(client.base_url).rstrip("/")},
    )
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text)
