"""Several `verbatim serve` processes on one private PostgreSQL, with a scripted model's host."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from auth.mint import mint_user_token
from tests.e2e.serving.server import LAUNCH, Server, environment
from tests.private_servers import private_server
from tests.wire import ResponsesServer
from tests.wire.scripts import Script

#: 32 bytes in base64.
EVENT_KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
SECRET = "a secret for tests that is long enough"
#: Numbered frames, so that a stream can be resumed.
NUMBERED = {"Verbatim-Frames": "id"}
#: For each node its pools, and some for whoever looks on.
SERVER_SETTINGS = {"max_connections": "300"}


class Cluster:
    """Nodes by name; a name that was killed may be started again."""

    def __init__(
        self, database_url: str, host: ResponsesServer, folder: Path, settings: Mapping[str, str]
    ) -> None:
        self.database_url = database_url
        self.host = host
        self.nodes: dict[str, Server] = {}
        #: What nodes that are gone had logged.
        self.logged: list[str] = []
        self._folder = folder
        self._settings = {
            "DATABASE_URL": database_url,
            "EVENT_KEY": EVENT_KEY,
            "BETTER_AUTH_SECRET": SECRET,
            "INTERNAL_SIGNING_KEY": SECRET,
            "OPENAI_BASE_URL": host.base_url,
            "OPENAI_API_KEY": "k",
            "VERBATIM_RATE_LIMIT": "1000000",
            "VERBATIM_LOG_FORMAT": "json",
            # Nobody is asked about what these tests delete, and no title comes between two appends.
            "APPROVAL_TOOLS": "none",
            "AGENT_TITLES": "off",
            **settings,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for server in self.nodes.values():
            # One that a test has stopped would not hear of it.
            server.process.send_signal(signal.SIGCONT)
            server.process.terminate()
        for name in list(self.nodes):
            self._bury(name)

    def start(self, name: str, **settings: str) -> Server:
        """Blocks until the node answers."""
        command = [sys.executable, "-P", "-c", LAUNCH, "serve", "--port=0"]
        process = subprocess.Popen(
            command,
            env=environment({**self._settings, **settings}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self._folder,
        )
        self.nodes[name] = Server(process, self._folder)
        return self.nodes[name]

    def kill(self, name: str) -> None:
        os.kill(self.nodes[name].process.pid, signal.SIGKILL)
        self._bury(name)

    def stop(self, name: str) -> int:
        """As an operator does; answers the exit code."""
        self.nodes[name].process.terminate()
        return self._bury(name)

    def _bury(self, name: str) -> int:
        server = self.nodes.pop(name)
        code = server.process.wait(30)
        server.drain()
        self.logged += server.errors
        return code


@contextmanager
def cluster(folder: Path, script: Script, **settings: str) -> Iterator[Cluster]:
    """No node runs yet; the first one migrates the database."""
    host = ResponsesServer(script)
    with private_server(folder / "postgres", settings=SERVER_SETTINGS) as postgres:
        host.start()
        try:
            with Cluster(postgres.url, host, folder, settings) as nodes:
                yield nodes
        finally:
            host.stop()


def headers_of(user_id: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {mint_user_token(SECRET, user_id)}"}
