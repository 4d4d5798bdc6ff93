"""Runs the app under uvicorn: in this process, or in several that share one socket.

The app is imported where it runs: the parent of several workers does without its libraries.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable

import uvicorn
from uvicorn.supervisors import Multiprocess

from runtime.collector import rest_collector
from runtime.embedded import locate
from runtime.logs import configure_logs
from runtime.metrics import shared_by_workers
from runtime.settings import Settings, load_settings

#: How long open connections may take to end once the server stops.
GRACE_SECONDS = 3
POLL_SECONDS = 0.05
PARENT_SECONDS = 0.5

#: Settings, host and port, once the server answers.
Announce = Callable[[Settings, str, int], None]


def serve_in_process(settings: Settings, url: str, announce: Announce) -> None:
    configure_logs(settings.verbatim_log_level, settings.verbatim_log_format)
    embedded_url = url if settings.is_embedded else None
    from api.app import create_app

    config = _config(settings, create_app(settings, database_url=embedded_url))
    rest_collector()
    listening = config.bind_socket()
    server = uvicorn.Server(config)
    _when(lambda: server.started, lambda: _announce_at(settings, listening, announce))
    server.run(sockets=[listening])


def serve_with_workers(settings: Settings, announce: Announce) -> None:
    """This process keeps the socket and the workers; they end when it ends, however it ends."""
    configure_logs(settings.verbatim_log_level, settings.verbatim_log_format)
    with shared_by_workers():
        os.environ[_PARENT] = str(os.getpid())
        config = _config(settings, "api.serving:create_worker_app")
        listening = config.bind_socket()
        _when(lambda: _answers(listening), lambda: _announce_at(settings, listening, announce))
        Multiprocess(config, sockets=[listening]).run()


def create_worker_app() -> object:
    """The app of one worker process, from the environment its parent gave it."""
    from api.app import create_app

    settings = load_settings()
    configure_logs(settings.verbatim_log_level, settings.verbatim_log_format)
    _end_with_parent(int(os.environ[_PARENT]))
    url = locate(settings.verbatim_data_dir) if settings.is_embedded else None
    app = create_app(settings, database_url=url)
    rest_collector()
    return app


_PARENT = "VERBATIM_PARENT_PID"


def _config(settings: Settings, app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=settings.verbatim_host,
        port=settings.verbatim_port,
        workers=settings.verbatim_workers,
        factory=isinstance(app, str),
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _announce_at(settings: Settings, listening: socket.socket, announce: Announce) -> None:
    host, port = listening.getsockname()[:2]
    announce(settings, host, port)


def _when(is_so: Callable[[], bool], act: Callable[[], None]) -> None:
    def wait() -> None:
        while not is_so():
            time.sleep(POLL_SECONDS)
        act()

    threading.Thread(target=wait, daemon=True).start()


def _answers(listening: socket.socket) -> bool:
    """Whether a worker accepts; connections wait in the socket's queue until one does."""
    host, port = listening.getsockname()[:2]
    try:
        with socket.create_connection((host, port), timeout=1) as client:
            client.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return client.recv(16).startswith(b"HTTP/1.")
    except OSError:
        return False


def _end_with_parent(parent: int) -> None:
    """A worker whose parent was killed has nobody to stop it: it stops itself."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_SECONDS)
        os.kill(os.getpid(), 15)

    threading.Thread(target=watch, daemon=True).start()
