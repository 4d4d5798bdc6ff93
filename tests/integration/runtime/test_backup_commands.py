"""`verbatim backup` and `verbatim restore` as processes of their own."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from events.conversation import Started
from runtime.embedded import EmbeddedServer
from tests.databases import cloned, execute
from tests.e2e.serving.server import LAUNCH, environment
from tests.integration.runtime.backups import rows
from tests.log_node import EVENT_KEY, append_to, log_node, new_stream

KEY = base64.b64encode(EVENT_KEY.secret).decode()


@pytest.fixture
async def new_url(postgres: EmbeddedServer) -> AsyncIterator[str]:
    """A database that nobody has migrated."""
    async with cloned(postgres, "template1") as url:
        yield url


@pytest.fixture
async def filled_url(database_url: str) -> str:
    async with log_node(database_url) as node:
        await node.keys.check_fingerprint()
        for owner_id in ("ada", "bob"):
            await node.store.append(
                append_to(new_stream(), 0, Started(title="secret plan"), owner_id=owner_id)
            )
        await node.sealer.seal()
    return database_url


async def verbatim(
    url: str, *arguments: str | Path, key: str = KEY, **env: str
) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-P", "-c", LAUNCH, *map(str, arguments)],
        env=environment({"DATABASE_URL": url, "EVENT_KEY": key, **env}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


async def test_backup_and_restore_talk_on_stderr_and_build_the_read_tables(
    filled_url: str, new_url: str, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    taken = await verbatim(filled_url, "backup", backup)
    assert (taken.returncode, taken.stdout) == (0, ""), taken.stderr
    assert "backing up: 2 of 2 events" in taken.stderr
    assert f"{backup} holds the log up to position 2" in taken.stderr
    assert f"{backup}.keys holds the 2 data keys" in taken.stderr
    restored = await verbatim(new_url, "restore", backup)
    assert (restored.returncode, restored.stdout) == (0, ""), restored.stderr
    assert "loading: 2 of 2 events" in restored.stderr
    assert "verifying: 2 of 2 events" in restored.stderr
    assert "The log is whole up to position 2" in restored.stderr
    (live,) = await rows(new_url, "SELECT state, position FROM verbatim.generations")
    assert live == [("live", 2)]
    shown = await verbatim(new_url, "events", "show", "1")
    assert json.loads(shown.stdout)["data"] == {"title": "secret plan"}


async def test_json_is_one_object_a_line(filled_url: str, new_url: str, tmp_path: Path) -> None:
    backup, keys = tmp_path / "backup", tmp_path / "elsewhere"
    taken = await verbatim(filled_url, "backup", backup, "--keys", keys, "--json")
    *progress, written = [json.loads(line) for line in taken.stdout.splitlines()]
    assert {line["event"] for line in progress} == {"progress"}
    assert written["event"] == "written"
    assert (written["file"], written["keys"]) == (str(backup), str(keys))
    assert (written["position"], written["rows"]["events"], written["rows"]["data_keys"]) == (
        2,
        2,
        2,
    )
    assert written["bytes"] == backup.stat().st_size
    assert written["is_encrypted"] is True
    brought_up = await verbatim(new_url, "restore", backup, "--keys", keys, "--json")
    *progress, restored = [json.loads(line) for line in brought_up.stdout.splitlines()]
    assert {line["action"] for line in progress} == {
        "checking backup",
        "checking elsewhere",
        "loading",
        "verifying",
        "building the read tables",
    }
    assert restored == {
        "event": "restored",
        "file": str(backup),
        "position": 2,
        "attachments": 0,
        "data_keys": 2,
        "unreadable_owners": 0,
    }


async def test_files_hold_no_plaintext_and_no_event_key(filled_url: str, tmp_path: Path) -> None:
    await verbatim(filled_url, "backup", tmp_path / "backup")
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        assert b"secret plan" not in content
        assert EVENT_KEY.secret not in content
        assert KEY.encode() not in content


async def test_existing_file_is_replaced_only_with_yes(filled_url: str, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    backup.write_text("mine")
    refused = await verbatim(filled_url, "backup", backup)
    assert (refused.returncode, backup.read_text()) == (2, "mine")
    assert refused.stderr == f"verbatim: {backup} exists already. Give --yes to go on.\n"
    assert (await verbatim(filled_url, "backup", backup, "--yes")).returncode == 0
    assert backup.read_bytes().startswith(b"VERBATIM-BACKUP")


async def test_restore_into_a_database_with_events_is_refused(
    filled_url: str, tmp_path: Path
) -> None:
    await verbatim(filled_url, "backup", tmp_path / "backup")
    before = await rows(filled_url, "SELECT * FROM verbatim.log ORDER BY 1")
    for options in ([], ["--yes"]):
        refused = await verbatim(filled_url, "restore", tmp_path / "backup", *options)
        assert refused.returncode == 1
        assert "This database holds events" in refused.stderr
    assert await rows(filled_url, "SELECT * FROM verbatim.log ORDER BY 1") == before


async def test_restore_asks_before_it_drops_what_a_server_left(
    filled_url: str, new_url: str, tmp_path: Path
) -> None:
    await verbatim(filled_url, "backup", tmp_path / "backup")
    assert (await verbatim(new_url, "db", "migrate")).returncode == 0
    async with log_node(new_url) as node:
        await node.keys.current("somebody")
    refused = await verbatim(new_url, "restore", tmp_path / "backup")
    assert refused.returncode == 2
    assert "Give --yes to go on" in refused.stderr
    assert (await verbatim(new_url, "restore", tmp_path / "backup", "--yes")).returncode == 0


@pytest.mark.parametrize(
    ("damage", "code", "said"),
    [
        ("truncate", 1, "it was cut off"),
        ("alter", 1, "it was altered"),
        ("no keys", 2, "name the file of the data keys with --keys"),
        ("other keys", 1, "holds the events of a backup"),
        ("other event key", 1, "needs the EVENT_KEY it was written with"),
        ("encryption off", 1, "is encrypted, and VERBATIM_ENCRYPTION is off"),
    ],
)
async def test_restore_that_cannot_be_says_why_and_touches_nothing(
    filled_url: str, new_url: str, tmp_path: Path, damage: str, code: int, said: str
) -> None:
    backup, keys = tmp_path / "backup", tmp_path / "backup.keys"
    await verbatim(filled_url, "backup", backup)
    content = backup.read_bytes()
    env: dict[str, Any] = {}
    match damage:
        case "truncate":
            backup.write_bytes(content[:-50])
        case "alter":
            backup.write_bytes(content.replace(b"conversation.started", b"conversation.Started"))
        case "no keys":
            keys.unlink()
        case "other keys":
            keys.write_bytes(content)
        case "other event key":
            env = {"key": base64.b64encode(b"x" * 32).decode()}
        case "encryption off":
            env = {"VERBATIM_ENCRYPTION": "off", "INTERNAL_SIGNING_KEY": "s" * 48}
    refused = await verbatim(new_url, "restore", backup, **env)
    assert refused.returncode == code
    assert said in refused.stderr
    assert all(line.startswith(("verbatim: ", "checking ")) for line in refused.stderr.splitlines())
    (schemas,) = await rows(new_url, "SELECT FROM pg_namespace WHERE nspname = 'verbatim'")
    assert schemas == []


async def test_log_that_does_not_verify_is_named_with_its_position(
    filled_url: str, new_url: str, tmp_path: Path
) -> None:
    await execute(
        filled_url,
        "ALTER TABLE verbatim.log DISABLE TRIGGER ALL; "
        "UPDATE verbatim.log SET leaf = sha256('') WHERE position = 2",
    )
    await verbatim(filled_url, "backup", tmp_path / "backup")
    refused = await verbatim(new_url, "restore", tmp_path / "backup")
    assert refused.returncode == 1
    assert "The log is damaged at position 2: version 1 of conversation-" in refused.stderr


async def test_erased_users_are_counted(filled_url: str, new_url: str, tmp_path: Path) -> None:
    await verbatim(filled_url, "backup", tmp_path / "old")
    await execute(filled_url, "DELETE FROM verbatim.data_keys WHERE owner_id = 'bob'")
    await verbatim(filled_url, "backup", tmp_path / "new")
    restored = await verbatim(new_url, "restore", tmp_path / "old", "--keys", tmp_path / "new.keys")
    assert restored.returncode == 0
    assert (
        "Users whose content cannot be read, because their key was destroyed: 1." in restored.stderr
    )
    (conversations,) = await rows(new_url, "SELECT owner_id FROM read_g1.conversations")
    assert conversations == [("ada",)]


async def test_backup_without_encryption_says_that_anyone_can_read_it(
    database_url: str, new_url: str, tmp_path: Path
) -> None:
    env = {"VERBATIM_ENCRYPTION": "off", "INTERNAL_SIGNING_KEY": "s" * 48}
    taken = await verbatim(database_url, "backup", tmp_path / "backup", **env)
    assert "Nothing in it is encrypted" in taken.stderr
    refused = await verbatim(new_url, "restore", tmp_path / "backup")
    assert (refused.returncode, "VERBATIM_ENCRYPTION=off" in refused.stderr) == (1, True)
    (tmp_path / "backup.keys").unlink()
    assert (await verbatim(new_url, "restore", tmp_path / "backup", **env)).returncode == 0


async def test_terminal_gets_bars_and_is_asked(filled_url: str, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    backup.write_text("mine")
    shown = await asyncio.to_thread(_on_a_terminal, filled_url, b"y\n", "backup", str(backup))
    assert "exists already. Replace it?" in shown
    assert "backing up" in shown
    assert "2/2 events" in shown
    assert backup.read_bytes().startswith(b"VERBATIM-BACKUP")


def _on_a_terminal(url: str, answers: bytes, *arguments: str) -> str:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", LAUNCH, *arguments],
        env=environment({"DATABASE_URL": url, "EVENT_KEY": KEY, "TERM": "xterm", "COLUMNS": "200"}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, answers)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(ours)
    assert process.wait(60) == 0, shown
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
