from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import re
import threading
from pathlib import Path

from agent.offline.model import OfflineModel
from agent.sending import Message
from runtime.node import Node, open_node
from runtime.settings import load_settings
from tests.integration.cli.command_line import (
    AUTH_SECRET,
    EVENT_KEY,
    CommandLine,
    Ran,
    on_database,
)
from tests.integration.cli.history import write_history


async def test_status_shows_each_generation(database_url: str) -> None:
    line = on_database(database_url)
    assert line.answer("projections", "status").out == ""
    await write_history(database_url)
    line.answer("projections", "rebuild")
    found = line.answer("projections", "status", "--json").rows()
    assert [(row["state"], row["position"], row["lag"]) for row in found][-1] == ("live", 6, 0)
    plain = line.answer("projections", "status").out.splitlines()
    assert plain[-1].split("\t")[1:6] == ["live", "6", "6", "0", "0"]


async def test_rebuild_says_how_far_it_is(database_url: str) -> None:
    await write_history(database_url)
    line = on_database(database_url)
    plain = line.answer("projections", "rebuild")
    assert plain.out == ""
    *progress, swapped = plain.err.splitlines()
    assert progress
    assert all(
        re.fullmatch(r"rebuilding: 6 of 6 events, [\d,]+ a second", said) for said in progress
    )
    assert re.fullmatch(r"Generation \d+ is live, at position 6\.", swapped)
    *rows, last = line.answer("projections", "rebuild", "--json").rows()
    assert {(row["event"], row["done"], row["total"]) for row in rows} == {("progress", 6, 6)}
    assert (last["event"], last["position"]) == ("swapped", 6)


async def test_rebuild_draws_a_bar_on_a_terminal(database_url: str) -> None:
    await write_history(database_url)
    code, drawn = run_on_terminal(on_database(database_url), "projections", "rebuild")
    assert code == 0, drawn
    assert "rebuilding" in drawn
    assert "6/6" in drawn
    assert "is live, at position 6." in drawn


async def test_rebuild_that_leaves_a_stream_out_is_a_finding(database_url: str) -> None:
    await write_history(database_url)
    await write_history(database_url, is_contradictory=True)
    line = on_database(database_url)
    ran = line.run("projections", "rebuild", "--json")
    assert ran.code == 1
    assert ran.rows()[-1]["event"] == "swapped"
    assert "1 stream could not be applied" in ran.err.splitlines()[-1]
    assert [row["parked"] for row in line.answer("projections", "status", "--json").rows()][-1] == 1


async def test_rebuild_beside_a_node_that_writes(database_url: str, tmp_path: Path) -> None:
    settings = load_settings(
        verbatim_data_dir=tmp_path,
        event_key=EVENT_KEY,
        better_auth_secret=AUTH_SECRET,
        verbatim_rate_limit=1_000_000,
    )
    model = OfflineModel(delay_seconds=0)
    async with open_node(settings, database_url=database_url, model=model) as node:
        await say(node, "add buy milk")
        rebuilding = asyncio.create_task(rebuild(database_url))
        messages = 1
        while not rebuilding.done():
            await say(node, f"add task number {messages}")
            messages += 1
        ran = await rebuilding
        assert ran.code == 0, ran.err
        await say(node, "add call mum")
        page = await node.reads.conversations_page("ada", limit=100)
        assert len(page.rows) == min(messages + 1, 100)
        assert all(row.message_count == 2 for row in page.rows)
        assert node.projector.status.generation == ran.rows()[-1]["generation"]


def run_on_terminal(line: CommandLine, *arguments: str) -> tuple[int, str]:
    ours, theirs = pty.openpty()
    drawn = bytearray()

    def read() -> None:
        # Reading ends with an error once nobody has the other end open.
        with contextlib.suppress(OSError):
            while piece := os.read(ours, 65_536):
                drawn.extend(piece)

    reading = threading.Thread(target=read)
    reading.start()
    code = line.run_talking_to(theirs, *arguments, TERM="xterm").code
    os.close(theirs)
    reading.join()
    os.close(ours)
    return code, drawn.decode()


async def rebuild(url: str) -> Ran:
    return await asyncio.to_thread(on_database(url).run, "projections", "rebuild", "--json")


async def say(node: Node, text: str) -> None:
    sent = await node.sender.send("ada", None, Message(text=text))
    async with asyncio.timeout(30):
        async for _ in node.frames.follow(sent.run_id, "ada"):
            pass
