from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runtime.errors import KeyFileUnusable
from runtime.secret_files import load_or_create_key

RACERS = 4
ROUNDS = 25


def never() -> str:
    raise AssertionError("the key was there")


def test_key_is_created_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "event.key"
    assert load_or_create_key(path, lambda: "first") == "first"
    assert load_or_create_key(path, never) == "first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == ["event.key"]


def test_key_is_private_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        load_or_create_key(tmp_path / "event.key", lambda: "key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "event.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606, 0o620])
def test_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "event.key"
    path.write_text("key")
    path.chmod(mode)
    with pytest.raises(KeyFileUnusable, match=rf"mode {mode:04o}.*chmod 600"):
        load_or_create_key(path, never)


@pytest.mark.parametrize(
    ("content", "complaint"), [(b"", "empty"), (b" \n", "empty"), (b"\xff\xfe", "no text")]
)
def test_key_file_without_a_key_is_not_replaced(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    path = tmp_path / "event.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileUnusable, match=complaint):
        load_or_create_key(path, never)
    assert path.read_bytes() == content


def test_key_file_that_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "event.key", 0o600)
    with pytest.raises(KeyFileUnusable, match="not a regular file"):
        load_or_create_key(tmp_path / "event.key", never)


def test_key_that_cannot_be_kept_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("a file, not a folder")
    with pytest.raises(KeyFileUnusable, match="cannot be used"):
        load_or_create_key(tmp_path / "occupied" / "event.key", lambda: "key")
    assert os.listdir(tmp_path) == ["occupied"]


RACER = """
import sys, time
from pathlib import Path
from runtime.secret_files import load_or_create_key
folder, mine, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
start = float(sys.stdin.readline())
for number in range(rounds):
    time.sleep(max(0, start + number * 0.01 - time.time()))
    print(load_or_create_key(folder / f"{number}.key", lambda: mine))
"""


def test_racing_processes_get_one_key(tmp_path: Path) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path), f"racer{number}", str(ROUNDS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(RACERS)
    ]
    assert [racer.stdout.readline() for racer in racers if racer.stdout] == ["ready\n"] * RACERS
    start = time.time() + 0.2
    answers = [racer.communicate(f"{start}\n", timeout=60)[0].splitlines() for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * RACERS
    assert len(answers[0]) == ROUNDS
    assert answers == [answers[0]] * RACERS
    assert sorted(os.listdir(tmp_path)) == sorted(f"{number}.key" for number in range(ROUNDS))
