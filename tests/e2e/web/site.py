"""The whole site as `scripts/web` serves it, with its own database."""

from __future__ import annotations

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

from tests.e2e.serving.server import environment
from tests.ports import free_port

ROOT = Path(__file__).parents[3]
#: The packages are installed and the site is built on the first start in a clone.
START_SECONDS = 540.0
STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Site:
    url: str
    api_port: int
    #: Of the embedded database, and of the secret that signs cookies.
    data_dir: Path

    @property
    def secret(self) -> str:
        """BETTER_AUTH_SECRET, as scripts/web made it."""
        return (self.data_dir / "web.secret").read_text()

    @property
    def api_url(self) -> str:
        """Where the site finds the API, and no browser should."""
        return f"http://localhost:{self.api_port}"


@contextmanager
def served_site(model_url: str) -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="verbatim-site-"))
    port, api_port = free_port(), free_port()
    settings = {
        "WEB_PORT": str(port),
        "VERBATIM_PORT": str(api_port),
        "VERBATIM_DATA_DIR": str(folder / "data"),
        "OPENAI_API_KEY": "k",
        "OPENAI_BASE_URL": model_url,
        "AGENT_MODEL": "wire",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [ROOT / "scripts" / "web"], env=environment(settings), stdout=log, stderr=log
        )
    try:
        site = Site(f"http://localhost:{port}", api_port, folder / "data")
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
