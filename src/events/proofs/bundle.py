"""The form of what is handed to a stranger: JSON lines that prove themselves.

A bundle is a header and a line for each event of one stream, as it is stored, with its inclusion
proof. Bytes are base64; a proof is its hashes joined, from the leaf upwards.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from events.proofs.errors import MalformedProof
from events.stored import StoredEvent

FORMAT = 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Line = TypeVar("_Line")


class BundleHeader(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="bundle"):
    format: int = FORMAT
    stream_id: str
    #: Signed notes: the checkpoint of the tree, and how far the stream goes in it.
    checkpoint: str
    head: str
    #: The verifier key of both; whoever checks takes it from elsewhere.
    key: str


class BundledEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="event"):
    position: int
    stream_version: int
    event_id: uuid.UUID
    topic: str
    schema_version: int
    owner_id: str
    metadata: str
    #: Microseconds since 1970, UTC.
    recorded_at: int
    state: bytes
    proof: bytes

    def stored(self, stream_id: str) -> StoredEvent:
        return StoredEvent(
            stream_id,
            self.stream_version,
            self.event_id,
            self.topic,
            self.schema_version,
            self.state,
            self.owner_id,
            self.metadata,
            _EPOCH + timedelta(microseconds=self.recorded_at),
        )


class ConsistencyProof(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="consistency"
):
    format: int = FORMAT
    #: Signed notes; the newer tree begins with the older one.
    old: str
    new: str
    proof: bytes
    key: str


def bundled(stored: StoredEvent, position: int, proof: list[bytes]) -> BundledEvent:
    return BundledEvent(
        position=position,
        stream_version=stored.stream_version,
        event_id=stored.event_id,
        topic=stored.topic,
        schema_version=stored.schema_version,
        owner_id=stored.owner_id,
        metadata=stored.metadata,
        recorded_at=(stored.recorded_at - _EPOCH) // timedelta(microseconds=1),
        state=stored.state,
        proof=b"".join(proof),
    )


_encoder = msgspec.json.Encoder()
_first_line: msgspec.json.Decoder[BundleHeader | ConsistencyProof] = msgspec.json.Decoder(
    BundleHeader | ConsistencyProof
)
_event_line = msgspec.json.Decoder(BundledEvent)


def line_of(part: BundleHeader | BundledEvent | ConsistencyProof) -> bytes:
    return _encoder.encode(part) + b"\n"


def read_first(line: bytes) -> BundleHeader | ConsistencyProof:
    """Raises MalformedProof."""
    first = _decode(_first_line, line, 1)
    if first.format != FORMAT:
        raise MalformedProof(f"The file has format {first.format}, this release reads {FORMAT}.")
    return first


def read_event(line: bytes, number: int) -> BundledEvent:
    """Raises MalformedProof, which names the line."""
    return _decode(_event_line, line, number)


def _decode(decoder: msgspec.json.Decoder[_Line], line: bytes, number: int) -> _Line:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedProof(f"Line {number} is not of a bundle's form: {error}.") from None
