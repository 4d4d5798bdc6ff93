"""A row's content to sealed bytes and back: JSON under the owner's data key, bound to its row."""

from __future__ import annotations

from functools import cache
from typing import Any, get_type_hints

import msgspec

from events.cipher import DataKey, DecryptionFailed
from projections.errors import UnreadableRow
from projections.rows import Key, ReadRow
from projections.tables import ReadModel

#: Of a row that has no content.
NOTHING = b""

_encoder = msgspec.json.Encoder()


def seal(model: ReadModel, row: ReadRow, key: DataKey) -> bytes:
    if not model.content:
        return NOTHING
    content = {name: getattr(row, name) for name in model.content}
    return key.encrypt(_encoder.encode(content), associated_data(model.key_of(row)))


def unseal(model: ReadModel, row_key: Key, sealed: bytes, key: DataKey) -> dict[str, Any]:
    """The content fields by name. Raises UnreadableRow."""
    if not model.content:
        return {}
    try:
        content = _decoder(model).decode(key.decrypt(sealed, associated_data(row_key)))
    except (DecryptionFailed, msgspec.MsgspecError):
        raise UnreadableRow(model.name, row_key[-1]) from None
    return {name: getattr(content, name) for name in model.content}


def associated_data(row_key: Key) -> bytes:
    """`<table>|<row id>`: sealed bytes cannot be moved to another row."""
    return "|".join(row_key).encode()


@cache
def _decoder(model: ReadModel) -> msgspec.json.Decoder[Any]:
    hints = get_type_hints(model.row)
    fields = [(name, hints[name]) for name in model.content]
    return msgspec.json.Decoder(msgspec.defstruct(f"{model.row.__name__}Content", fields))
