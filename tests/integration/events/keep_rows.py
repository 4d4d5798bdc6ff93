"""Adds to fixtures/catalogue.json a row of each event class at its present version.

Run it when an event class was added or has a new schema version, from the top of the repository:

    python -m tests.integration.events.keep_rows

Rows that are there stay as they are: they are what the upcasters must go on reading.
"""

from __future__ import annotations

import json
import types
import typing
from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from events.cipher import DataKey
from events.event import Event
from events.leaf import leaf_hash
from tests.integration.events import stored_rows
from tests.log_node import EVENT_KEY
from tests.unit.events.event_values import CATALOGUE
from tests.unit.events.stored_events import stored_event

NAME = "catalogue"
#: One of each category holds the rows of that category.
ID = "0198d3f0-0000-7000-8000-0000000000bb"


def missing(rows: Iterable[stored_rows.StoredRow]) -> list[str]:
    """The topics of which no row at the present version is kept."""
    kept = {(row.event.topic, row.event.schema_version) for row in rows}
    return [topic for topic, cls in CATALOGUE.items() if (topic, cls.schema_version) not in kept]


def main() -> None:
    path = stored_rows.FIXTURES / f"{NAME}.json"
    kept = stored_rows.load(NAME)
    ((key_id, owner_id, _, wrapped),) = kept.data_keys
    key = DataKey(key_id, owner_id, EVENT_KEY.unwrap(wrapped, key_id, owner_id))
    versions = {event.stream_id: event.stream_version for event in kept.events}
    written = json.loads(path.read_text())
    for topic in missing(kept.rows):
        stream_id = f"{topic.partition('.')[0]}-{ID}"
        versions[stream_id] = versions.get(stream_id, 0) + 1
        event = sample_of(CATALOGUE[topic])
        written["events"].append(_written(event, key, stream_id, versions[stream_id]))
    path.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n")


def sample_of(cls: type[Any]) -> Any:
    """With a value in each field that is not its default, so that each of them is stored."""
    fields = msgspec.structs.fields(cls)
    return cls(**{f.name: _value_of(f.type, f.name, f.default) for f in fields})


def _value_of(annotation: Any, name: str, default: Any = None) -> Any:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is types.UnionType:
        return _value_of(arguments[0], name)
    if origin is tuple:
        return (_value_of(arguments[0], name),)
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return sample_of(annotation)
    samples: dict[Any, Any] = {
        str: f"the {name.replace('_', ' ')} ✓",
        int: 7,
        bool: default is not True,
        dict[str, Any]: {"key": ["text", 1, 1.5, True, None]},
    }
    return samples[annotation]


def _written(event: Event, key: DataKey, stream_id: str, version: int) -> dict[str, Any]:
    encoded = stored_event(event, key=key, stream_id=stream_id, version=version)
    stored = replace(encoded, recorded_at=datetime.now(UTC))
    return {
        "stream_id": stored.stream_id,
        "stream_version": stored.stream_version,
        "event_id": str(stored.event_id),
        "topic": stored.topic,
        "schema_version": stored.schema_version,
        "owner_id": stored.owner_id,
        "metadata": stored.metadata,
        "recorded_at": stored.recorded_at.isoformat(),
        "state": b64encode(stored.state).decode(),
        "leaf": leaf_hash(stored).hex(),
        "says": msgspec.to_builtins(event),
    }


if __name__ == "__main__":
    main()
