"""Strategies for any event of the catalogue, from the types of its fields."""

from __future__ import annotations

import types
import typing
from typing import Any

import msgspec
from hypothesis import strategies as st

from events import catalogue
from events.event import Event, known_topics

ROOM = "events."
#: The event classes of this release, without those that tests register.
CATALOGUE: dict[str, type[Event]] = {
    topic: cls
    for topic, cls in sorted(known_topics().items())
    if cls.__module__.startswith(ROOM) and hasattr(catalogue, cls.__module__.removeprefix(ROOM))
}

#: NUL is content like any other; a lone surrogate is no Unicode text and cannot be encoded.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
JSON_OBJECTS = st.dictionaries(TEXTS, JSON_VALUES, max_size=3)

_SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: INTEGERS,
    bool: st.booleans(),
    type(None): st.none(),
    dict[str, Any]: JSON_OBJECTS,
}


def values_of(annotation: Any) -> st.SearchStrategy[Any]:
    """Any value of a field's type; KeyError names a type that no strategy exists for yet."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in _SIMPLE:
        return _SIMPLE[annotation]
    if origin is types.UnionType:
        return st.one_of(*(values_of(argument) for argument in arguments))
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return structs_of(annotation)
    raise KeyError(annotation)


def structs_of(cls: type[Any]) -> st.SearchStrategy[Any]:
    fields = msgspec.structs.fields(cls)
    return st.builds(cls, **{field.name: values_of(field.type) for field in fields})


EVENTS_OF: dict[str, st.SearchStrategy[Event]] = {
    topic: structs_of(cls) for topic, cls in CATALOGUE.items()
}
ANY_EVENT: st.SearchStrategy[Event] = st.one_of(*EVENTS_OF.values())
