from __future__ import annotations

import re
import signal
import uuid
from datetime import timedelta

import pytest

from tests.integration.cli.command_line import on_database
from tests.integration.cli.history import (
    HOSTILE,
    TOPICS,
    add_message,
    erase,
    write_branches,
    write_history,
)


async def test_list_shows_the_log_without_content(database_url: str) -> None:
    await write_history(database_url)
    line = on_database(database_url)
    rows = line.answer("events", "list", "--json").rows()
    assert [row["position"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert tuple(row["topic"] for row in rows) == TOPICS
    plain = line.answer("events", "list").out
    assert [text.split("\t")[4] for text in plain.splitlines()] == list(TOPICS)
    assert "milk" not in plain


async def test_list_filters(database_url: str) -> None:
    await write_history(database_url)
    line = on_database(database_url)
    rows = line.answer("events", "list", "--json", "--after", "2", "--limit", "2").rows()
    assert [row["position"] for row in rows] == [3, 4]
    assert line.answer("events", "list", "--category", "task").out == ""
    both = ("--category", "task", "--category", "conversation")
    assert len(line.answer("events", "list", *both).out.splitlines()) == 6


async def test_show_prints_one_event_with_its_content(database_url: str) -> None:
    written = await write_history(database_url)
    line = on_database(database_url)
    (event,) = line.answer("events", "show", "2", "--json").rows()
    assert event["stream_id"] == f"conversation-{written.conversation_id}"
    assert event["data"]["text"] == "add buy milk"
    assert event["data"]["quoted_text"] is None
    assert not event["is_erased"]
    assert line.answer("events", "show", "2").out.startswith("{\n  ")
    missing = line.run("events", "show", "9")
    assert (missing.code, missing.out) == (1, "")
    assert "no event at position 9" in missing.complaint()


async def test_replay_prints_the_conversation_event_by_event(database_url: str) -> None:
    written = await write_history(database_url)
    line = on_database(database_url)
    lines = line.answer("events", "replay", written.conversation_id).out.splitlines()
    assert [re.split(r"  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ", text)[1] for text in lines] == [
        "started",
        "user: add buy milk",
        "run requested",
        'tool add_task called with {"title": "buy milk"}',
        'tool succeeded: {"status": "pending"}',
        "assistant: Added “buy milk”.",
    ]
    stream_id = f"conversation-{written.conversation_id}"
    events = line.answer("events", "replay", stream_id, "--json").rows()
    assert [event["version"] for event in events] == [1, 2, 3, 4, 5, 6]
    assert tuple(event["topic"] for event in events) == TOPICS


async def test_replay_shows_every_branch_and_marks_it(database_url: str) -> None:
    conversation_id = await write_branches(database_url)
    line = on_database(database_url)
    lines = line.answer("events", "replay", conversation_id).out.splitlines()
    assert [re.split(r"  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ", text)[1] for text in lines] == [
        "started",
        "user: hello",
        "run requested",
        "[branch 2] branch b1 forked, to answer message m1 of main again",
        "[branch 2] run requested",
        "[main] assistant (cut short): late",
        "[branch 3] branch b2 forked, in the place of message m1 of main",
        "[branch 3] user: hi",
        "[branch 2] branch switched from b2 to b1",
        "[branch 2] user: on",
    ]
    events = line.answer("events", "replay", conversation_id, "--json").rows()
    branches = ["main"] * 3 + ["b1", "b1", "main", "b2", "b2", "b1", "b1"]
    assert [event["branch_id"] for event in events] == branches
    shown = [line.answer("events", "show", str(n), "--json").rows()[0] for n in (6, 8, 10)]
    assert [event["branch_id"] for event in shown] == ["main", "b2", "b1"]


async def test_messages_end_where_the_read_tables_would_park(database_url: str) -> None:
    written = await write_history(database_url, is_contradictory=True)
    replay = ("events", "replay", written.conversation_id, "--as", "messages", "--json")
    (page,) = on_database(database_url).answer(*replay).rows()
    assert page["stale"]
    assert [message["content"] for message in page["data"]] == ["add buy milk"]


async def test_replay_ends_at_a_version_a_position_or_a_time(database_url: str) -> None:
    await write_history(database_url)
    written = await write_history(database_url)
    line = on_database(database_url)
    replay = ("events", "replay", written.conversation_id, "--json", "--at")
    before_the_reply = written.recorded_at[-1] - timedelta(microseconds=1)
    for moment, versions in (
        ("3", [1, 2, 3]),
        ("@8", [1, 2]),
        (before_the_reply.isoformat(), [1, 2, 3, 4, 5]),
    ):
        found = line.answer(*replay, moment).rows()
        assert [event["version"] for event in found] == versions, moment


@pytest.mark.parametrize(
    "arguments",
    [
        ("--at", "yesterday"),
        ("--at", "@x"),
        ("--at", "-1"),
        ("--at", ""),
        ("--at", "3", "--follow"),
    ],
)
def test_replay_with_an_impossible_point_is_wrong_usage(
    database_url: str, arguments: tuple[str, ...]
) -> None:
    ran = on_database(database_url).run("events", "replay", str(uuid.uuid4()), *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.complaint().startswith("verbatim: ")


def test_replay_of_what_does_not_exist(database_url: str) -> None:
    line = on_database(database_url)
    conversation_id = str(uuid.uuid4())
    ran = line.run("events", "replay", conversation_id)
    assert (ran.code, ran.out) == (1, "")
    assert conversation_id in ran.complaint()
    assert line.run("events", "replay", "milk").code == 2


async def test_erased_content_is_shown_as_erased(database_url: str) -> None:
    written = await write_history(database_url)
    await erase(database_url, "ada")
    line = on_database(database_url)
    lines = line.answer("events", "replay", written.conversation_id).out.splitlines()
    assert lines[1].endswith("user message posted (erased)")
    events = line.answer("events", "replay", written.conversation_id, "--json").rows()
    assert [(event["is_erased"], event["data"]) for event in events] == [(True, None)] * 6
    (event,) = line.answer("events", "show", "2", "--json").rows()
    assert event["is_erased"]
    assert len(line.answer("events", "list").out.splitlines()) == 6


async def test_replayed_text_cannot_steer_the_terminal(database_url: str) -> None:
    written = await write_history(database_url, HOSTILE)
    line = on_database(database_url)
    said = line.answer("events", "replay", written.conversation_id).out
    assert "buy \\x1b[2Jmilk \\x9b31m" in said
    assert line.answer("events", "show", "2", "--json").rows()[0]["data"]["text"] == HOSTILE


async def test_replay_speaks_to_a_terminal_without_unicode(database_url: str) -> None:
    written = await write_history(database_url)
    replay = ("events", "replay", written.conversation_id)
    said = on_database(database_url).answer(*replay, PYTHONIOENCODING="ascii").out
    assert "assistant: Added \\u201cbuy milk\\u201d." in said


async def test_replay_follows_what_comes(database_url: str) -> None:
    written = await write_history(database_url)
    with on_database(database_url).going(
        "events", "replay", written.conversation_id, "--follow"
    ) as following:
        assert following.line().endswith("started")
        for _ in TOPICS[1:]:
            following.line()
        await add_message(database_url, written.conversation_id, 6, "and call mum")
        assert following.line().endswith("user: and call mum")
        assert following.stop(signal.SIGINT) == 130


async def test_tail_follows_the_log_without_content(database_url: str) -> None:
    written = await write_history(database_url)
    tail = ("events", "tail", "--json", "--after", "5", "--category", "conversation")
    with on_database(database_url).going(*tail) as following:
        assert '"position":6' in following.line()
        await add_message(database_url, written.conversation_id, 6, "and call mum")
        line = following.line()
        assert '"position":7' in line
        assert "mum" not in line
        assert following.stop(signal.SIGTERM) == 143
        assert following.process.stderr is not None
        assert following.process.stderr.read() == ""


async def test_reader_that_goes_away_is_no_failure(database_url: str) -> None:
    written = await write_history(database_url)
    ran = on_database(database_url).run_unread("events", "replay", written.conversation_id)
    assert (ran.code, ran.err) == (0, "")
