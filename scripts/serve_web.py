"""Runs the API and the site together, until either ends or somebody stops this.

    serve_web.py NODE WEB_DIR VERBATIM

Ports: VERBATIM_PORT (8000) for the API, WEB_PORT (3000) for the site.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from runtime.embedded import locate
from runtime.settings import load_settings

READY_SECONDS = 120.0
POLL_SECONDS = 0.1
STOP_SECONDS = 15.0


def main(node: str, web: Path, verbatim: str) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    environment = environment_of()
    running: list[subprocess.Popen[bytes]] = []
    try:
        running.append(subprocess.Popen([verbatim, "serve"], env=environment))
        if not is_ready(running[0], f"{environment['VERBATIM_API_URL']}/readyz"):
            return running[0].poll() or 1
        environment = with_database(environment)
        subprocess.run([node, "scripts/migrate.mjs"], cwd=web, env=environment, check=True)
        start = [node, "node_modules/next/dist/bin/next", "start", "-p", environment["WEB_PORT"]]
        running.append(subprocess.Popen(start, cwd=web, env=environment))
        print(f"Open {environment['BETTER_AUTH_URL']}", file=sys.stderr)
        return first_to_end(running)
    except subprocess.CalledProcessError as error:
        return error.returncode
    except KeyboardInterrupt:
        return 0
    finally:
        stop(running)


def environment_of() -> dict[str, str]:
    """What was given, and what follows from it."""
    given = {"WEB_PORT": "3000", "VERBATIM_PORT": "8000", **os.environ}
    site = given.get("BETTER_AUTH_URL", f"http://localhost:{given['WEB_PORT']}")
    return {
        **given,
        "BETTER_AUTH_URL": site,
        "BETTER_AUTH_SECRET": given.get("BETTER_AUTH_SECRET") or kept_secret(),
        "VERBATIM_API_URL": f"http://localhost:{given['VERBATIM_PORT']}",
        "NEXT_TELEMETRY_DISABLED": "1",
    }


def kept_secret() -> str:
    """Signs the site's cookies; made once, beside the embedded database."""
    file = load_settings().verbatim_data_dir / "web.secret"
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text()
    with os.fdopen(descriptor, "w") as opened:
        opened.write(secrets.token_urlsafe(32))
    return file.read_text()


def with_database(environment: Mapping[str, str]) -> dict[str, str]:
    if "DATABASE_URL" in environment:
        return dict(environment)
    return {**environment, "DATABASE_URL": locate(load_settings().verbatim_data_dir)}


def is_ready(api: subprocess.Popen[bytes], url: str) -> bool:
    deadline = time.monotonic() + READY_SECONDS
    while api.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(POLL_SECONDS)
    return False


def first_to_end(running: list[subprocess.Popen[bytes]]) -> int:
    while True:
        for process in running:
            if process.poll() is not None:
                return process.returncode
        time.sleep(POLL_SECONDS)


def stop(running: list[subprocess.Popen[bytes]]) -> None:
    """The site first, so that nobody is shown an API that is gone."""
    for process in reversed(running):
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
