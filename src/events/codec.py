"""Events to stored bytes and back: JSON, encrypted, bound to stream id and version."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
import orjson

from events.cipher import DataKey, DecryptionFailed
from events.errors import ContentErased, EventError, UnreadableState
from events.event import Event, resolve_topic, upcast
from events.stored import Append, RecordedEvent, StoredEvent

_encoder = msgspec.json.Encoder()
_decoders: dict[type[Event], msgspec.json.Decoder[Any]] = {}
#: The events of a page have few keys; parsing their ids took a fifth of decoding.
_uuid = lru_cache(maxsize=1_000)(uuid.UUID)


def associated_data(stream_id: str, stream_version: int) -> bytes:
    return f"{stream_id}|{stream_version}".encode()


def encode_state(event: Event, key: DataKey, stream_id: str, stream_version: int) -> bytes:
    return key.encrypt(_encoder.encode(event), associated_data(stream_id, stream_version))


def encode_metadata(
    append: Append, event_ids: Iterable[str], key: DataKey, request_hash: bytes | None
) -> list[str]:
    """Canonical JSON for each event of an append."""
    metadata: dict[str, str] = {"actor": append.actor, "key_id": key.key_id_text}
    if append.correlation_id:
        metadata["correlation_id"] = append.correlation_id
    if append.causation_id:
        metadata["causation_id"] = append.causation_id
    if append.idempotency_key:
        metadata["idempotency_key"] = append.idempotency_key
    if request_hash:
        metadata["request_hash"] = request_hash.hex()
    encoded = []
    for event_id in event_ids:
        metadata["event_id"] = event_id
        encoded.append(orjson.dumps(metadata, option=orjson.OPT_SORT_KEYS).decode())
    return encoded


def key_id_of(stored: StoredEvent) -> uuid.UUID:
    return _uuid(orjson.loads(stored.metadata)["key_id"])


def key_ids_of(stored: Iterable[StoredEvent]) -> set[uuid.UUID]:
    return {key_id_of(event) for event in stored}


def decode(stored: StoredEvent, keys: Mapping[uuid.UUID, DataKey]) -> RecordedEvent:
    """Raises UnknownTopic, NewerSchema or UnreadableState, each naming the place, or
    ContentErased."""
    where = f" at {stored.stream_id} version {stored.stream_version}" + (
        f" (position {stored.position})" if stored.position else ""
    )
    metadata = orjson.loads(stored.metadata)
    cls = resolve_topic(stored.topic, where)
    key = keys.get(_uuid(metadata["key_id"]))
    if key is None:
        raise ContentErased(stored.owner_id)
    try:
        state = key.decrypt(stored.state, associated_data(stored.stream_id, stored.stream_version))
        event = _decode_state(cls, stored.schema_version, state, where)
    except DecryptionFailed:
        raise UnreadableState(stored.topic, where, "it does not decrypt") from None
    except (msgspec.MsgspecError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise UnreadableState(stored.topic, where, type(error).__name__) from None
    return RecordedEvent(
        stream_id=stored.stream_id,
        stream_version=stored.stream_version,
        event_id=str(stored.event_id),
        event=event,
        owner_id=stored.owner_id,
        recorded_at=stored.recorded_at,
        position=stored.position,
        metadata=metadata,
    )


def _decode_state(cls: type[Event], schema_version: int, state: bytes, where: str) -> Event:
    if schema_version != cls.schema_version:
        tree = orjson.loads(state)
        upcast(cls, schema_version, tree, where)
        return msgspec.convert(tree, cls)
    decoder = _decoders.get(cls)
    if decoder is None:
        decoder = _decoders[cls] = msgspec.json.Decoder(cls)
    decoded = decoder.decode(state)
    if not isinstance(decoded, Event):
        raise EventError("A decoder answered with something that is no event.")
    return decoded
