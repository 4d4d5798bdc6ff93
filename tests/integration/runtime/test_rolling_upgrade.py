"""A release whose read tables differ serves beside the one before it, on one database."""

from __future__ import annotations

import re
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from tests.e2e.serving.server import ROOT, Server, serving
from tests.integration.api.conftest import EVENT_KEY, SECRET, headers_of
from tests.integration.cli.command_line import CommandLine

COLUMN = "event_count"


async def test_old_and_new_release_serve_side_by_side(database_url: str, tmp_path: Path) -> None:
    settings = {
        "DATABASE_URL": database_url,
        "EVENT_KEY": EVENT_KEY,
        "BETTER_AUTH_SECRET": SECRET,
    }
    newer = settings | {"PYTHONPATH": newer_release(tmp_path / "newer")}
    with client_of(settings, tmp_path / "old") as old:
        conversation_id = say(old, "add buy milk")
        CommandLine(newer).answer("db", "migrate")
        say(old, "add buy bread", conversation_id)
        assert len(messages(old, conversation_id)) == 4
        with client_of(newer, tmp_path / "new") as new:
            assert messages(new, conversation_id) == messages(old, conversation_id)
            for writer, reader in ((old, new), (new, old)) * 2:
                again = say(writer, "add call mum")
                assert messages(reader, again) == messages(writer, again)
                assert ids(reader) == ids(writer)
                say(writer, "hello", conversation_id)
                assert len(messages(reader, conversation_id)) % 2 == 0
            assert messages(new, conversation_id) == messages(old, conversation_id)
            assert len(messages(new, conversation_id)) == 12
    generations = await generations_of(database_url)
    assert [state for _, state, _ in generations] == ["live", "live"]
    assert len({definition for _, _, definition in generations}) == 2
    assert await schemas_with_the_column(database_url) == {f"read_g{generations[1][0]}"}


def newer_release(folder: Path) -> str:
    """This one with a column more, as what PYTHONPATH is to be."""
    shutil.copytree(ROOT / "src", folder, ignore=shutil.ignore_patterns("__pycache__"))
    projections = folder / "projections"
    change(
        projections / "conversations.py",
        r"( +)message_count: int = 0\n",
        rf"\g<0>\1{COLUMN}: int = 0\n",
    )
    change(
        projections / "conversations.py",
        r'( +)Column\("message_count", .*\n',
        rf'\g<0>\1Column("{COLUMN}", BigInteger, nullable=False),\n',
    )
    change(projections / "fold.py", r"FOLD_VERSION = (\d+)", r"FOLD_VERSION = 1\1")
    return f"{folder}:{sysconfig.get_path('purelib')}"


def change(file: Path, what: str, into: str) -> None:
    changed, times = re.subn(what, into, file.read_text())
    assert times == 1, f"{file.name} has no line like {what}"
    file.write_text(changed)


@contextmanager
def client_of(env: Mapping[str, str], data_dir: Path) -> Iterator[httpx.Client]:
    """Ada, at a server of its own."""
    with serving(data_dir, env=env, python=sys.executable) as server:
        assert isinstance(server, Server)
        with httpx.Client(base_url=server.url, headers=headers_of("ada"), timeout=60) as client:
            yield client


def say(client: httpx.Client, text: str, conversation_id: str | None = None) -> str:
    body = {"message": text} | ({"conversation_id": conversation_id} if conversation_id else {})
    answer = client.post("/api/ada/chat", json=body, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["conversation_id"]
    return found


def messages(client: httpx.Client, conversation_id: str) -> list[dict[str, Any]]:
    answer = client.get(f"/api/ada/conversations/{conversation_id}/messages")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def ids(client: httpx.Client) -> list[str]:
    answer = client.get("/api/ada/conversations")
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["data"]]


async def generations_of(url: str) -> list[tuple[int, str, str]]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT generation, state, definition FROM verbatim.generations ORDER BY generation"
        )
    finally:
        await connection.close()
    return [tuple(row) for row in rows]


async def schemas_with_the_column(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT table_schema FROM information_schema.columns "
            "WHERE table_name = 'conversations' AND column_name = $1",
            COLUMN,
        )
    finally:
        await connection.close()
    return {row["table_schema"] for row in rows}
