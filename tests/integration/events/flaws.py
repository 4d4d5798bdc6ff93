"""Events that this release cannot read, and why."""

from __future__ import annotations

from dataclasses import dataclass

from events.cipher import DataKey
from events.codec import associated_data
from events.conversation import Renamed, Started
from events.errors import EventError, NewerSchema, UnknownTopic, UnreadableState
from events.ids import new_id
from events.stored import StoredEvent
from tests.integration.events import readings, stored_rows
from tests.log_node import LogNode, append_to, new_stream


@dataclass(frozen=True)
class Flaw:
    """How the event in the middle of a stream differs from one that this release can read."""

    error: type[EventError]
    says: str
    topic: str = Renamed.topic
    schema_version: int = 1
    state: bytes = b'{"title":"t"}'
    is_damaged: bool = False

    async def put(self, node: LogNode, stream_id: str, version: int) -> None:
        key = await node.keys.current("ada")
        place = associated_data(stream_id, version)
        state = _damaged(key, place) if self.is_damaged else key.encrypt(self.state, place)
        (example,) = await node.store.read_stream_backwards(stream_id, 1)
        event = StoredEvent(
            stream_id,
            version,
            new_id(),
            self.topic,
            self.schema_version,
            state,
            "ada",
            f'{{"actor":"user:ada","key_id":"{key.key_id}"}}',
            example.recorded_at,
        )
        async with node.pool.acquire() as connection, connection.transaction():
            await stored_rows.put_event(connection, event)


def _damaged(key: DataKey, place: bytes) -> bytes:
    state = bytearray(key.encrypt(b'{"title":"t"}', place))
    state[-1] ^= 1
    return bytes(state)


TOO_NEW = {
    "unknown topic": Flaw(UnknownTopic, "is unknown to this release", topic="conversation.sung"),
    "newer schema": Flaw(
        NewerSchema, "schema version 2, this release knows up to 1", schema_version=2
    ),
}
UNREADABLE = {
    "damaged": Flaw(UnreadableState, "does not decrypt", is_damaged=True),
    "no JSON": Flaw(UnreadableState, "cannot be read", state=b"{"),
    "another shape": Flaw(UnreadableState, "cannot be read", state=b'{"title":7}'),
    "no such version": Flaw(UnreadableState, "cannot be read", schema_version=0),
    "upcaster fails": Flaw(
        UnreadableState, "cannot be read", topic=readings.TOPIC, state=b'{"fahrenheit":"hot"}'
    ),
}
FLAWS = TOO_NEW | UNREADABLE


async def put_flawed_stream(node: LogNode, flaw: Flaw) -> str:
    """Five events, of which the third has the flaw; sealed at positions 1 to 5."""
    stream_id = new_stream()
    await node.store.append(append_to(stream_id, 0, Started(title="one"), Renamed(title="two")))
    await node.sealer.seal()
    await flaw.put(node, stream_id, 3)
    await node.sealer.seal()
    await node.store.append(append_to(stream_id, 3, Renamed(title="four"), Renamed(title="five")))
    await node.sealer.seal()
    return stream_id
