"""The whole site as `scripts/web` serves it, with its own database."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.ports import free_port

ROOT = Path(__file__).parents[3]
#: The packages are installed and the site is built on the first start in a clone.
START_SECONDS = 540.0
STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Site:
    url: str
    api_port: int


@contextmanager
def served_site() -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="verbatim-site-"))
    port, api_port = free_port(), free_port()
    environment = {
        **os.environ,
        "WEB_PORT": str(port),
        "VERBATIM_PORT": str(api_port),
        "VERBATIM_DATA_DIR": str(folder / "data"),
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [ROOT / "scripts" / "web"], env=environment, stdout=log, stderr=log
        )
    try:
        site = Site(f"http://localhost:{port}", api_port)
        _wait_for(site, process, folder / "log")
        yield site
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS)
        shutil.rmtree(folder)


def _wait_for(site: Site, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"{site.url}/sign-in").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"the site did not start:\n{log.read_text()[-3000:]}")
