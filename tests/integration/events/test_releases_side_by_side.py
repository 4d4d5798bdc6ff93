"""An old and a new release work on one database; this process is the old one."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from events.conversation import Renamed, Started, id_of
from events.errors import NewerSchema, UnknownTopic
from projections.errors import ReadModelBehind
from projections.projector import Projector
from tests.integration.projections.read_node import ReadNode, eventually, projecting, read_node
from tests.log_node import new_stream

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 60.0

SAME_TABLES = ""
OTHER_TABLES = "the tables of a newer release"


@dataclass
class NewerRelease:
    process: asyncio.subprocess.Process

    async def look(self) -> dict[str, Any]:
        """What it sees once it has read everything that is committed by now."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"look\n")
        async with asyncio.timeout(PATIENCE_SECONDS):
            line = await self.process.stdout.readline()
        assert line, "the newer release has ended"
        seen: dict[str, Any] = json.loads(line)
        return seen


@asynccontextmanager
async def newer_release(url: str, stream_id: str, definition: str) -> AsyncIterator[NewerRelease]:
    module = "tests.integration.events.newer_release"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, url, stream_id, definition),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield NewerRelease(process)
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@dataclass(frozen=True)
class Scene:
    old: ReadNode
    new: NewerRelease
    #: Of ada, to which the newer release has added at version 3 and 4.
    shared: str
    #: Of bob, whom only the old release serves.
    plain: str


@asynccontextmanager
async def side_by_side(url: str, definition: str) -> AsyncIterator[Scene]:
    """The old release has read four events when the newer one adds two."""
    shared, plain = new_stream(), new_stream()
    async with read_node(url, patience_seconds=0.3) as old:
        await old.append(shared, 0, Started(title="one"), Renamed(title="two"))
        await old.append(plain, 0, Started(), Renamed(title="plain"), owner_id="bob")
        await old.seal()
        await eventually(lambda: old.projector.status.position == 4)
        async with newer_release(url, shared, definition) as new:
            # Before the newer projector begins: it might carry shared tables past the event.
            await eventually(lambda: old.projector.status.state == "blocked")
            seen = await new.look()
            assert (seen["state"], seen["position"]) == ("running", 6)
            yield Scene(old, new, shared, plain)


def assert_old_projector_has_stopped(scene: Scene) -> None:
    status = scene.old.projector.status
    assert (status.state, status.position) == ("blocked", 4)
    where = f"'conversation.mood_noted' at {scene.shared} version 3 (position 5)"
    for words in (where, "the log is newer than this release", "start the newer one"):
        assert words in (status.last_error or "")


async def count_parked(node: ReadNode) -> int:
    count: int = await node.pool.fetchval("SELECT count(*) FROM verbatim.parked")
    return count


async def title_of(node: ReadNode, stream_id: str, owner_id: str) -> str:
    row = await node.reads.conversation(owner_id, id_of(stream_id))
    assert row is not None
    return row.title


@pytest.mark.parametrize("definition", [SAME_TABLES, OTHER_TABLES], ids=["same", "other"])
async def test_newer_release_stops_the_old_projector_and_goes_on_itself(
    database_url: str, definition: str
) -> None:
    async with side_by_side(database_url, definition) as scene:
        assert_old_projector_has_stopped(scene)
        await scene.old.append(scene.plain, 2, Renamed(title="written by old"), owner_id="bob")
        seen = await scene.new.look()
        assert seen["titles"] == {scene.shared: "Titel", scene.plain: "written by old"}
        assert seen["languages"] == ["en", "de"]
        assert (seen["state"], seen["position"]) == ("running", 7)
        assert scene.old.projector.status.position == 4
        assert await count_parked(scene.old) == 0


async def test_old_release_reads_on_where_the_newer_one_keeps_its_tables_up(
    database_url: str,
) -> None:
    async with side_by_side(database_url, SAME_TABLES) as scene:
        assert_old_projector_has_stopped(scene)
        assert await title_of(scene.old, scene.shared, "ada") == "Titel"
        await scene.old.append(scene.plain, 2, Renamed(title="written by old"), owner_id="bob")
        await scene.new.look()
        assert await title_of(scene.old, scene.plain, "bob") == "written by old"


async def test_old_release_with_its_own_tables_serves_what_has_not_moved_on(
    database_url: str,
) -> None:
    async with side_by_side(database_url, OTHER_TABLES) as scene:
        assert_old_projector_has_stopped(scene)
        assert await title_of(scene.old, scene.plain, "bob") == "plain"
        with pytest.raises(ReadModelBehind):
            await title_of(scene.old, scene.shared, "ada")
        await scene.old.append(scene.plain, 2, Renamed(title="written by old"), owner_id="bob")
        await scene.new.look()
        with pytest.raises(ReadModelBehind):
            await title_of(scene.old, scene.plain, "bob")


async def test_old_release_reads_streams_up_to_what_it_does_not_know(database_url: str) -> None:
    async with side_by_side(database_url, SAME_TABLES) as scene:
        store = scene.old.log.store
        with pytest.raises(UnknownTopic, match=f"{scene.shared} version 3"):
            await store.read_stream(scene.shared)
        with pytest.raises(NewerSchema, match=f"{scene.shared} version 4 has schema version 2"):
            await store.read_stream(scene.shared, after_version=3)
        known = await store.read_stream(scene.shared, up_to_version=2)
        assert [e.event for e in known] == [Started(title="one"), Renamed(title="two")]
        assert len(await store.read_stream(scene.plain)) == 2


@pytest.mark.parametrize("definition", [SAME_TABLES, OTHER_TABLES], ids=["same", "other"])
async def test_old_release_that_starts_again_stops_at_the_same_event(
    database_url: str, definition: str
) -> None:
    async with side_by_side(database_url, definition) as scene:
        assert_old_projector_has_stopped(scene)
        log = scene.old.log
        await scene.old.builder.ensure_live()
        again = Projector(log.pool, log.store, log.signal)
        async with projecting(again):
            if definition == SAME_TABLES:
                # The newer release has carried the shared tables past it.
                await eventually(lambda: again.status.position == 6)
                assert again.status.state == "running"
            else:
                await eventually(lambda: again.status.state == "blocked")
                assert again.status.position == 4
        assert await count_parked(scene.old) == 0
