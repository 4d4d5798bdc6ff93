"""What cannot be read is a named error where it stands, and is never passed over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest

from events.conversation import Started, stream_of
from events.stored import StoredEvent
from events.subscription import subscribe
from projections.conversations import ConversationRow
from projections.generations import Generation, definition, live_generation
from tests.integration.events.flaws import FLAWS, TOO_NEW, UNREADABLE, Flaw, put_flawed_stream
from tests.integration.events.readings import known_to_this_release
from tests.integration.projections.read_node import ReadNode, eventually, read_node
from tests.log_node import log_node, new_stream


@pytest.fixture(autouse=True)
def _readings() -> Iterator[None]:
    with known_to_this_release():
        yield


@pytest.mark.parametrize("flaw", FLAWS.values(), ids=FLAWS)
async def test_stream_read_names_what_cannot_be_read(database_url: str, flaw: Flaw) -> None:
    async with log_node(database_url) as node:
        stream_id = await put_flawed_stream(node, flaw)
        for read in (
            partial(node.store.read_stream, stream_id),
            partial(node.store.read_stream, stream_id, after_version=2),
            partial(node.store.read_stream_backwards, stream_id, 3),
        ):
            with pytest.raises(flaw.error, match=f"{stream_id} version 3.*{flaw.says}") as caught:
                await read()
            assert flaw.topic in str(caught.value)
        before = await node.store.read_stream(stream_id, up_to_version=2)
        after = await node.store.read_stream(stream_id, after_version=3)
        assert [e.stream_version for e in before + after] == [1, 2, 4, 5]


@pytest.mark.parametrize("flaw", FLAWS.values(), ids=FLAWS)
async def test_subscription_hands_out_what_cannot_be_read_at_its_position(
    database_url: str, flaw: Flaw
) -> None:
    async with log_node(database_url) as node:
        await put_flawed_stream(node, flaw)
        seen: list[StoredEvent] = []
        async with asyncio.timeout(10):
            async for batch in subscribe(node.store, node.signal, 0, limit=2):
                seen += batch
                if len(seen) == 5:
                    break
        assert [event.position for event in seen] == [1, 2, 3, 4, 5]
        with pytest.raises(flaw.error, match=rf"\(position 3\).*{flaw.says}"):
            await node.store.decode(seen)
        assert len(await node.store.decode(seen[:2] + seen[3:])) == 4


@pytest.mark.parametrize("flaw", UNREADABLE.values(), ids=UNREADABLE)
async def test_projector_parks_the_stream_at_the_unreadable_event_alone(
    database_url: str, flaw: Flaw
) -> None:
    async with read_node(database_url) as node:
        stream_id = await put_flawed_stream(node.log, flaw)
        other = new_stream()
        await node.append(other, 0, Started(title="other"))
        await eventually(lambda: node.projector.status.position == 6)
        assert await parked(node) == [(stream_id, 3, "UnreadableState")]
        assert await titles(node) == {stream_id: "two", other: "other"}


@pytest.mark.parametrize("flaw", TOO_NEW.values(), ids=TOO_NEW)
async def test_projector_stops_before_an_event_of_a_newer_release(
    database_url: str, flaw: Flaw
) -> None:
    async with read_node(database_url) as node:
        stream_id = await put_flawed_stream(node.log, flaw)
        await node.append(new_stream(), 0, Started(title="other"))
        await eventually(lambda: node.projector.status.state == "blocked")
        status = node.projector.status
        assert status.position == 2
        for words in ("(position 3)", flaw.says, "the log is newer than this release"):
            assert words in (status.last_error or "")
        assert await parked(node) == []
        assert await titles(node) == {stream_id: "two"}


@pytest.mark.parametrize("flaw", TOO_NEW.values(), ids=TOO_NEW)
async def test_rebuild_of_a_newer_log_fails_and_leaves_the_live_generation(
    database_url: str, flaw: Flaw
) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        before = await live(node)
        await put_flawed_stream(node.log, flaw)
        with pytest.raises(flaw.error, match=r"\(position 3\)"):
            await node.builder.rebuild()
        assert await live(node) == before


async def parked(node: ReadNode) -> list[tuple[str, int, str]]:
    rows = await node.pool.fetch("SELECT stream_id, position, error FROM verbatim.parked")
    return [(row["stream_id"], row["position"], row["error"]) for row in rows]


async def titles(node: ReadNode) -> dict[str, str]:
    """Of the conversations in the live generation, by stream."""
    rows = await node.all_rows(await live(node))
    return {stream_of(r.id): r.title for r in rows.values() if isinstance(r, ConversationRow)}


async def live(node: ReadNode) -> Generation:
    found = await live_generation(node.pool, definition())
    assert found is not None
    return found
