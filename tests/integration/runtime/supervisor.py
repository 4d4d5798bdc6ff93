"""A supervisor as a process of its own: starts the server, reports as JSON, waits for its end.

Arguments: DATA_DIR [no-namespaces]
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path

from runtime.embedded import start
from runtime.errors import EmbeddedError

CLONE_NEWUSER = 0x10000000


def main(data_dir: str, *options: str) -> None:
    if "no-namespaces" in options:
        forbid_user_namespaces()
    said: list[str] = []
    try:
        server = start(Path(data_dir), say=said.append)
    except EmbeddedError as error:
        report(error=type(error).__name__, sentence=str(error))
        return
    with server:
        report(pid=server.pid, url=server.url, said=said)
        sys.stdin.read()


def forbid_user_namespaces() -> None:
    """Still root of all accounts, as in a container that does not permit namespaces."""
    child, parent_done = os.getpid(), os.pipe()
    unshared = os.pipe()
    if os.fork() == 0:
        os.read(unshared[0], 1)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{child}/{name}").write_text("0 0 70000")
        os.write(parent_done[1], b"x")
        os._exit(0)
    if ctypes.CDLL(None).unshare(CLONE_NEWUSER) != 0:
        report(error="unshare", sentence="no user namespaces here at all")
        sys.exit()
    os.write(unshared[1], b"x")
    os.read(parent_done[0], 1)
    os.wait()
    Path("/proc/sys/user/max_user_namespaces").write_text("0")


def report(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
