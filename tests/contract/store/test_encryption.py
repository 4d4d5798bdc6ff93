"""Content is readable under its owner's key and at its own place only."""

from __future__ import annotations

import pytest

from events import codec
from events.conversation import Started
from events.errors import ContentErased, UserErased
from tests.log_node import append_to, log_node, new_stream


async def test_erased_key_refuses_appends_and_leaves_events_unreadable(database_url: str) -> None:
    async with log_node(database_url) as node:
        stream = new_stream()
        await node.store.append(append_to(stream, 0))
        await node.pool.execute("DELETE FROM verbatim.data_keys WHERE owner_id = 'ada'")
        with pytest.raises(UserErased):
            await node.store.append(append_to(stream, 1))
        with pytest.raises(ContentErased):
            await node.store.read_stream(stream)


async def test_content_is_not_readable_in_the_database(database_url: str) -> None:
    async with log_node(database_url) as node:
        stream = new_stream()
        await node.store.append(append_to(stream, 0, Started(title="a secret title")))
        row = await node.pool.fetchrow("SELECT events::text FROM verbatim.events")
        assert "secret" not in row[0]
        state = await node.pool.fetchval("SELECT state FROM verbatim.events")
        assert b"secret" not in state


async def test_state_moved_to_another_place_does_not_decrypt(database_url: str) -> None:
    async with log_node(database_url) as node:
        stream = new_stream()
        await node.store.append(append_to(stream, 0, Started(title="a")))
        await node.sealer.seal()
        (stored,) = await node.store.read_log(0)
        keys = await node.keys.load(codec.key_ids_of([stored]))
        moved = type(stored)(
            new_stream(),
            1,
            stored.event_id,
            stored.topic,
            1,
            stored.state,
            "ada",
            stored.metadata,
            stored.recorded_at,
            9,
        )
        with pytest.raises(Exception, match=r"position 9.*does not decrypt"):
            codec.decode(moved, keys)
