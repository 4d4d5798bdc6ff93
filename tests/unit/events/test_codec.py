from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from events import codec
from events.cipher import DataKey, NoEncryption
from events.conversation import Renamed, RunCompleted, Started, Usage
from events.errors import ContentErased, NewerSchema, UnknownTopic, UnreadableState
from events.event import Event
from events.stored import RecordedEvent, StoredEvent

from .event_values import CATALOGUE, EVENTS_OF
from .stored_events import KEY, MOMENT, STREAM, data_key, stored_event, written_elsewhere

PLACE = r"conversation-\S+ version 3 \(position 12\)"


def decoded(stored: StoredEvent, key: DataKey = KEY) -> RecordedEvent:
    return codec.decode(stored, {key.key_id: key})


@pytest.mark.parametrize("key", [KEY, NoEncryption("ada")], ids=["encrypted", "plain"])
@pytest.mark.parametrize("topic", CATALOGUE)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_event_reads_back_as_it_was(topic: str, key: DataKey, data: st.DataObject) -> None:
    event = data.draw(EVENTS_OF[topic])
    stored = stored_event(event, key=key, version=4)
    assert stored.topic == topic
    assert decoded(stored, key).event == event


def test_record_says_who_and_when_and_why() -> None:
    stored = stored_event(
        Started(title="t"),
        version=4,
        position=9,
        correlation_id="run",
        causation_id="cause",
        idempotency_key="key",
        request_body=b"body",
    )
    recorded = decoded(stored)
    assert recorded == RecordedEvent(
        stream_id=STREAM,
        stream_version=4,
        event_id=str(stored.event_id),
        event=Started(title="t"),
        owner_id="ada",
        recorded_at=MOMENT,
        position=9,
        metadata={
            "actor": "user:ada",
            "key_id": str(KEY.key_id),
            "correlation_id": "run",
            "causation_id": "cause",
            "idempotency_key": "key",
            "request_hash": KEY.keyed_hash(b"body").hex(),
            "event_id": str(stored.event_id),
        },
    )
    assert recorded.category == "conversation"
    assert recorded.idempotency_key == "key"


def test_metadata_is_canonical_and_leaves_out_what_is_not_there() -> None:
    text = stored_event(Started()).metadata
    metadata = json.loads(text)
    assert set(metadata) == {"actor", "key_id", "event_id"}
    assert text == json.dumps(metadata, sort_keys=True, separators=(",", ":"))
    assert decoded(stored_event(Started())).idempotency_key is None


def test_request_body_and_content_do_not_stand_in_the_row() -> None:
    stored = stored_event(Started(title="a secret plan"), request_body=b"a secret plan")
    assert b"secret" not in stored.state
    assert "secret" not in stored.metadata


def test_default_values_are_not_stored_and_come_back() -> None:
    plain = NoEncryption("ada")
    stored = stored_event(RunCompleted(run_id="r"), key=plain)
    assert stored.state == b'{"run_id":"r"}'
    assert decoded(stored, plain).event == RunCompleted(run_id="r", usage=Usage())


def test_field_of_another_release_is_passed_over() -> None:
    stored = written_elsewhere("conversation.renamed", 1, b'{"title":"t","colour":"green"}')
    assert decoded(stored).event == Renamed(title="t")


@pytest.mark.parametrize(
    "changes",
    [{"stream_id": "conversation-x"}, {"stream_version": 2}, {"state": b""}, {"state": b"x" * 11}],
    ids=["stream", "version", "empty", "shorter than a nonce"],
)
def test_state_at_another_place_or_cut_short_does_not_decrypt(changes: dict[str, Any]) -> None:
    stored = replace(stored_event(Started(title="t")), **changes)
    with pytest.raises(UnreadableState, match="does not decrypt"):
        decoded(stored)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_state_with_one_changed_byte_does_not_decrypt(data: st.DataObject) -> None:
    stored = stored_event(Started(title="t"))
    at = data.draw(st.integers(0, len(stored.state) - 1))
    state = bytearray(stored.state)
    state[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(UnreadableState):
        decoded(replace(stored, state=bytes(state)))


def test_state_under_another_key_does_not_decrypt() -> None:
    with pytest.raises(UnreadableState):
        decoded(stored_event(Started()), data_key(secret=b"t" * 32))


def test_state_without_its_key_was_erased() -> None:
    with pytest.raises(ContentErased) as caught:
        codec.decode(stored_event(Started()), {uuid.UUID(int=8): KEY})
    assert caught.value.owner_id == "ada"


@pytest.mark.parametrize(
    "state",
    [b"", b"{", b"[]", b"null", b"{}", b'{"title":7}', b'{"title":"\xff"}'],
)
def test_state_that_is_no_such_event_is_a_named_error(state: bytes) -> None:
    with pytest.raises(UnreadableState, match=PLACE) as caught:
        decoded(written_elsewhere("conversation.renamed", 1, state))
    assert caught.value.topic == "conversation.renamed"


def test_unknown_topic_and_newer_schema_name_the_place() -> None:
    with pytest.raises(UnknownTopic, match=rf"'conversation\.sung' at {PLACE}"):
        decoded(written_elsewhere("conversation.sung", 1, b"{}"))
    with pytest.raises(NewerSchema, match=rf"{PLACE} has schema version 2, .* up to 1"):
        decoded(written_elsewhere("conversation.renamed", 2, b'{"title":"t"}'))


def test_lone_surrogate_never_reaches_the_log() -> None:
    with pytest.raises(UnicodeEncodeError):
        stored_event(Renamed(title="\ud800"))


def test_key_ids_are_read_from_the_metadata() -> None:
    events: list[Event] = [Started(), Renamed(title="t")]
    stored = [stored_event(event) for event in events]
    plain = stored_event(Started(), key=NoEncryption("ada"))
    assert codec.key_ids_of([*stored, plain]) == {KEY.key_id, uuid.UUID(int=0)}
