from __future__ import annotations

import os
import pwd
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.embedded import locate, start
from runtime.errors import DataDirForeign
from tests.integration.runtime.servers import (
    processes_of,
    python_for,
    query,
    say_nothing,
    supervisor,
)

NOBODY = pwd.getpwnam("nobody")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as two accounts")


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that every account can pass through; pytest's own are private."""
    path = Path(tempfile.mkdtemp(prefix="verbatim-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def namespace_of(pid: int) -> Path:
    return Path(f"/proc/{pid}/ns/user").readlink()


def owner_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


@needs_root
def test_root_runs_the_server_without_being_root_in_it(tmp_path: Path) -> None:
    with start(tmp_path, say=say_nothing) as server:
        assert namespace_of(server.pid) != namespace_of(os.getpid())
        status = query(server.url, "SELECT pg_read_file('/proc/self/status')")
        assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
    assert (tmp_path / "postgres").stat().st_uid == 0


@needs_root
def test_ordinary_user_runs_the_server(open_path: Path) -> None:
    data_dir = open_path / "home" / "data"
    data_dir.parent.mkdir(mode=0o700)
    os.chown(data_dir.parent, NOBODY.pw_uid, NOBODY.pw_gid)
    python = python_for(NOBODY.pw_uid, NOBODY.pw_gid)
    account = {"user": NOBODY.pw_uid, "group": NOBODY.pw_gid, "extra_groups": []}
    with supervisor(data_dir, python=python, **account) as running:
        assert owner_of(running.report["pid"]) == NOBODY.pw_uid
        assert query(running.report["url"], "SELECT 1") == 1
    assert processes_of(data_dir) == []


@needs_root
def test_data_directory_of_another_account_is_refused_to_both(open_path: Path) -> None:
    of_root, of_nobody = open_path / "root", open_path / "nobody"
    of_nobody.mkdir(mode=0o700)
    os.chown(of_nobody, NOBODY.pw_uid, NOBODY.pw_gid)
    python = python_for(NOBODY.pw_uid, NOBODY.pw_gid)
    account = {"user": NOBODY.pw_uid, "group": NOBODY.pw_gid, "extra_groups": []}
    with supervisor(of_nobody, python=python, **account), start(of_root, say=say_nothing):
        with pytest.raises(DataDirForeign, match=f"{of_nobody} belongs to another account"):
            start(of_nobody, say=say_nothing)
        with supervisor(of_root, python=python, **account) as refused:
            assert refused.report["error"] == "DataDirForeign"


@needs_root
def test_root_without_namespaces_uses_an_existing_account(open_path: Path) -> None:
    data_dir = open_path / "data"
    with supervisor(data_dir, "no-namespaces") as running:
        skip_unless_reachable(running.report)
        assert owner_of(running.report["pid"]) != 0
        assert query(running.report["url"], "SELECT 1") == 1
        assert locate(data_dir) == running.report["url"]
        assert stat.S_IMODE((data_dir / "postgres").stat().st_mode) == 0o700
    assert processes_of(data_dir) == []
    with start(data_dir, say=say_nothing) as server:
        assert owner_of(server.pid) == (data_dir / "postgres").stat().st_uid


@needs_root
def test_root_without_namespaces_opens_no_folder_that_was_there_before(open_path: Path) -> None:
    data_dir = open_path / "private" / "data"
    data_dir.parent.mkdir(mode=0o700)
    with supervisor(data_dir, "no-namespaces") as running:
        if running.report["error"] == "unshare":
            pytest.skip(running.report["sentence"])
        assert running.report["error"] == "NoServerAccount"
        assert str(data_dir) in running.report["sentence"]
    assert stat.S_IMODE(data_dir.parent.stat().st_mode) == 0o700
    assert not (data_dir / "postgres").exists()


def skip_unless_reachable(report: dict[str, object]) -> None:
    if report.get("error") in ("unshare", "NoServerAccount"):
        pytest.skip(str(report["sentence"]))
