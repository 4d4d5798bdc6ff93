"""A server's life goes on in another place: backup while it serves, restore, serve again."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.serving.server import LAUNCH, environment, say, serving, verbatim

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="verbatim-backup-"))
    yield path
    shutil.rmtree(path)


def test_history_goes_on_in_another_data_directory(folder: Path) -> None:
    backup, old, new = folder / "backup", folder / "old", folder / "new"
    with serving(old) as server, server.signed_in() as client:
        conversation = say(client, "add buy milk")["conversation_id"]
        verbatim(old, "backup", str(backup))
        replayed = verbatim(old, "events", "replay", conversation)
        say(client, "this comes after the backup", conversation)
        assert "A server runs on" in refused(old, "restore", str(backup))
    assert "needs the EVENT_KEY" in refused(new, "restore", str(backup))
    assert not (new / "event.key").exists()
    new.mkdir(mode=0o700, exist_ok=True)
    shutil.copy2(old / "event.key", new / "event.key")
    verbatim(new, "restore", str(backup))
    assert verbatim(new, "events", "replay", conversation) == replayed
    assert "This database holds events" in refused(new, "restore", str(backup), "--yes")
    with serving(new) as server, server.signed_in() as client:
        user = client.get("/api/session").json()["user_id"]
        page = client.get(f"/api/{user}/conversations/{conversation}/messages").json()
        assert [message["role"] for message in page["data"]] == ["user", "assistant"]
        answer = say(client, "what's left?", conversation)
        assert "milk" in answer["response"]


def refused(data_dir: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-c", LAUNCH, *arguments, "--data-dir", str(data_dir)],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    return done.stderr
