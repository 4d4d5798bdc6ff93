from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.serving.server import say, serving, verbatim
from tests.integration.runtime.servers import python_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path that every account can pass through."""
    path = Path(tempfile.mkdtemp(prefix="verbatim-serve-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def test_history_survives_a_restart_and_is_replayed(folder: Path) -> None:
    with serving(folder / "data") as server, server.signed_in() as client:
        answer = say(client, "add buy milk")
        assert [call["status"] for call in answer["tool_calls"]] == ["success"]
        conversation = answer["conversation_id"]
        while_running = verbatim(folder / "data", "events", "replay", conversation)
        assert server.stop() == 0
    with serving(folder / "data") as server, server.signed_in() as client:
        user = client.get("/api/session").json()["user_id"]
        page = client.get(f"/api/{user}/conversations/{conversation}/messages").json()
        assert [message["role"] for message in page["data"]] == ["user", "assistant"]
        assert page["data"][1]["content"] == answer["response"]
        assert page["data"][1]["tool_calls"][0]["status"] == "success"
    stopped = verbatim(folder / "data", "events", "replay", conversation)
    assert stopped == while_running
    assert "user: add buy milk" in stopped
    assert "tool add_task called" in stopped
    assert "tool succeeded" in stopped
    events = verbatim(folder / "data", "events", "replay", conversation, "--json").splitlines()
    assert [json.loads(line)["version"] for line in events] == list(range(1, len(events) + 1))
    early = verbatim(folder / "data", "events", "replay", conversation, "--at", "2")
    assert stopped.startswith(early)
    assert len(early.splitlines()) == 2


def test_interrupt_stops_everything_that_was_started(folder: Path) -> None:
    with serving(folder / "data") as server:
        assert len(server.family) > 1
        server.stop(signal.SIGINT)
        assert server.left_over() == []


def test_killed_server_starts_again_and_stops_whole(folder: Path) -> None:
    with serving(folder / "data") as server:
        with server.signed_in() as client:
            conversation = say(client, "add buy milk")["conversation_id"]
        server.kill()
    with serving(folder / "data") as server:
        with server.signed_in() as client:
            user = client.get("/api/session").json()["user_id"]
            assert client.get(f"/api/{user}/conversations/{conversation}").status_code == 200
        server.stop(signal.SIGINT)
        assert server.left_over() == []


def test_two_servers_on_two_data_directories(folder: Path) -> None:
    with serving(folder / "one") as one, serving(folder / "two") as two:
        with one.signed_in() as ada, two.signed_in() as eve:
            conversation = say(ada, "add buy milk")["conversation_id"]
            user = eve.get("/api/session").json()["user_id"]
            assert eve.get(f"/api/{user}/conversations/{conversation}").status_code == 404


def test_second_server_on_one_data_directory_is_refused_in_a_line(folder: Path) -> None:
    with serving(folder / "data"):
        with pytest.raises(AssertionError) as caught, serving(folder / "data"):
            pass
        said = str(caught.value)
        assert "Traceback" not in said
        assert str(folder / "data") in said


def test_long_path_and_private_home(folder: Path) -> None:
    home = folder / "home"
    home.mkdir(mode=0o700)
    data_dir = home / ("x" * 60) / ("y" * (150 - len(str(home)) - 62))
    assert len(str(data_dir)) == 150
    with serving(data_dir) as server, server.signed_in() as client:
        assert say(client, "hello")["status"] == "completed"


def test_workers_share_the_work_and_end_with_their_parent(folder: Path) -> None:
    with serving(folder / "data", "--workers", "2") as server:
        with server.signed_in() as client:
            for _ in range(4):
                say(client, "add buy milk")
            metrics = client.get("/metrics").text
            total = next(
                line
                for line in metrics.splitlines()
                if line.startswith("verbatim_runs_total") and 'outcome="completed"' in line
            )
            assert float(total.split()[-1]) == 4
        # A worker's share of the connections depends on how many there are.
        environments = [psutil.Process(pid).environ() for pid in server.family[1:]]
        told = [e["VERBATIM_WORKERS"] for e in environments if "VERBATIM_WORKERS" in e]
        assert told.count("2") >= 2
        server.kill()
        assert server.left_over() == []
    with serving(folder / "data", "--workers", "2") as server:
        assert server.stop() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as two accounts")
def test_root_then_an_ordinary_user_on_one_machine(folder: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    with serving(folder / "root") as server, server.signed_in() as client:
        assert say(client, "hello")["status"] == "completed"
    theirs = folder / "theirs"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, nobody.pw_uid, nobody.pw_gid)
    python = python_for(nobody.pw_uid, nobody.pw_gid)
    account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    with serving(theirs / "data", python=python, env={"HOME": str(theirs)}, **account) as server:
        with server.signed_in() as client:
            assert say(client, "hello")["status"] == "completed"


def test_wrong_settings_end_in_a_line(folder: Path) -> None:
    nobody_there = "postgresql://u:p@127.0.0.1:9/db"
    for env, said in (
        ({"DATABASE_URL": nobody_there}, "EVENT_KEY"),
        (
            {
                "DATABASE_URL": nobody_there,
                "EVENT_KEY": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
                "BETTER_AUTH_SECRET": "s" * 40,
                "DATABASE_START_TIMEOUT_SECONDS": "1",
            },
            "127.0.0.1",
        ),
    ):
        with pytest.raises(AssertionError) as caught, serving(folder / "data", env=env):
            pass
        assert said in str(caught.value)
        assert "Traceback" not in str(caught.value)
        assert "p@127" not in str(caught.value)
