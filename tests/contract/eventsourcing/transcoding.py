"""Our codec behind the library's Transcoder.

Each mapping it makes:

| the library                       | our codec                                                    |
|-----------------------------------|--------------------------------------------------------------|
| any value                         | the only field of an event, stored with encryption off       |
| the value's bytes                 | the stored state without the braces and that field's name    |
| a value of a registered class     | `{"_type_": name, "_data_": ...}`, made and undone by the    |
|                                   | library's own Transcoding objects: our events are typed      |
|                                   | structs and have no such registry                            |
| a tuple                           | likewise: our codec stores it as a list, reads it by type    |
| a class that is not registered    | TranscodingNotRegisteredError, raised by the adapter         |
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

import msgspec
from eventsourcing.persistence import Transcoder, Transcoding, TranscodingNotRegisteredError

from events import codec
from events.cipher import NoEncryption
from events.event import Event, event
from events.stored import StoredEvent
from tests.contract.eventsourcing.mapping import CATEGORY, PREFIX

TOPIC = PREFIX + "value"
STREAM = f"{CATEGORY}-value"
OPENING, CLOSING = b'{"value":', b"}"
PLAIN = NoEncryption("stock")
METADATA = f'{{"key_id":"{PLAIN.key_id}"}}'

_JSON_TYPES = (str, int, float, bool, type(None))


@cache
def _value_class() -> type[Event]:
    """Registered when first used, as are those of mapping.py."""
    cls = msgspec.defstruct("Value", [("value", Any)], bases=(Event,), frozen=True, kw_only=True)
    return event(TOPIC)(cast(type[Event], cls))


class CodecTranscoder(Transcoder):
    def __init__(self, *transcodings: Transcoding) -> None:
        self._by_type = {each.type: each for each in transcodings}
        self._by_name = {each.name: each for each in transcodings}

    def encode(self, obj: Any) -> bytes:
        value = msgspec.convert({"value": self._to_tree(obj)}, _value_class())
        state = codec.encode_state(value, PLAIN, STREAM, 1)
        return state.removeprefix(OPENING).removesuffix(CLOSING)

    def decode(self, data: bytes) -> Any:
        _value_class()
        state = OPENING + data + CLOSING
        moment = datetime.now(UTC)
        stored = StoredEvent(
            STREAM, 1, uuid.uuid4(), TOPIC, 1, state, PLAIN.owner_id, METADATA, moment
        )
        recorded = codec.decode(stored, {PLAIN.key_id: PLAIN})
        return self._from_tree(msgspec.structs.asdict(recorded.event)["value"])

    def _to_tree(self, value: Any) -> Any:
        if type(value) in _JSON_TYPES:
            return value
        if type(value) is list:
            return [self._to_tree(item) for item in value]
        if type(value) is dict:
            return {name: self._to_tree(item) for name, item in value.items()}
        if (transcoding := self._by_type.get(type(value))) is None:
            raise TranscodingNotRegisteredError(
                f"Object of type {type(value)} is not serializable. "
                "Please define and register a custom transcoding for this type."
            )
        return {"_type_": transcoding.name, "_data_": self._to_tree(transcoding.encode(value))}

    def _from_tree(self, tree: Any) -> Any:
        if isinstance(tree, list):
            return [self._from_tree(item) for item in tree]
        if not isinstance(tree, dict):
            return tree
        members = {name: self._from_tree(item) for name, item in tree.items()}
        if members.keys() != {"_type_", "_data_"}:
            return members
        if (transcoding := self._by_name.get(members["_type_"])) is None:
            raise TranscodingNotRegisteredError(
                f"Data serialized with name '{members['_type_']}' is not deserializable. "
                "Please register a custom transcoding for this type."
            )
        return transcoding.decode(members["_data_"])


@dataclass
class Through(Transcoding):
    """A class that a plain JSON value stands for."""

    type: type
    name: str
    plain: Callable[[Any], Any]

    def encode(self, obj: Any) -> Any:
        return self.plain(obj)

    def decode(self, data: Any) -> Any:
        return self.type(data)
