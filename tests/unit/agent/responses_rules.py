"""The Responses API's rules for a list of input items, as its hosts enforce them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from openai.types.responses import (
    ResponseFunctionToolCallParam,
    ResponseOutputMessageParam,
    ResponseReasoningItemParam,
)
from openai.types.responses.response_input_item_param import FunctionCallOutput, Message
from pydantic import TypeAdapter, ValidationError

_FORMS: Mapping[tuple[str, str | None], TypeAdapter[Any]] = {
    ("message", "user"): TypeAdapter(Message),
    ("message", "assistant"): TypeAdapter(ResponseOutputMessageParam),
    ("function_call", None): TypeAdapter(ResponseFunctionToolCallParam),
    ("function_call_output", None): TypeAdapter(FunctionCallOutput),
    ("reasoning", None): TypeAdapter(ResponseReasoningItemParam),
}
#: Ids the API takes have at most this many characters.
ID_CHARACTERS = 64


def violations(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a host would refuse, one sentence each."""
    return [*_malformed(items), *_unpaired(items), *_loose_reasoning(items), *_repeated(items)]


def severed(
    items: Sequence[Mapping[str, Any]], reasons: Mapping[str, Collection[str]]
) -> list[str]:
    """Items under an id that a host gave out after reasoning (`reasons`), but without that."""
    return [
        f"item {place}: {item['id']} without its required reasoning"
        for place, item in enumerate(items)
        if item.get("id") in reasons
        and (place == 0 or items[place - 1].get("id") not in reasons[item["id"]])
    ]


def _malformed(items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for place, item in enumerate(items):
        form = _FORMS.get((str(item.get("type")), item.get("role")))
        if form is None:
            yield f"item {place}: no such type or role"
            continue
        # The Agents SDK's own field, which it strips before sending.
        sent = {name: value for name, value in item.items() if name != "provider_data"}
        try:
            known = _forced(form.validate_python(sent))
        except ValidationError as error:
            yield f"item {place}: {error.errors()[0]['loc']} {error.errors()[0]['msg']}"
            continue
        if known != sent:
            yield f"item {place}: fields that are no input"
        if item["type"] == "function_call_output" and not item.get("call_id"):
            yield f"item {place}: an output without a call_id"
        if any(len(item.get(name) or "") > ID_CHARACTERS for name in ("id", "call_id")):
            yield f"item {place}: an id that is too long"


def _forced(value: Any) -> Any:
    """pydantic checks an Iterable only when it is walked."""
    if isinstance(value, Mapping):
        return {name: _forced(part) for name, part in value.items()}
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return value
    return [_forced(part) for part in value]


def _unpaired(items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    calls = _places(items, "function_call")
    outputs = _places(items, "function_call_output")
    for call_id, places in calls.items():
        if len(places) > 1:
            yield f"call {call_id}: made {len(places)} times"
        if len(outputs.get(call_id, ())) != 1:
            yield f"call {call_id}: {len(outputs.get(call_id, ()))} outputs"
        elif outputs[call_id][0] < places[0]:
            yield f"call {call_id}: its output comes first"
    for call_id in outputs.keys() - calls.keys():
        yield f"output {call_id}: no such call"


def _places(items: Sequence[Mapping[str, Any]], item_type: str) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        if item.get("type") == item_type:
            places.setdefault(str(item.get("call_id")), []).append(place)
    return places


def _loose_reasoning(items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for place, item in enumerate(items):
        if item.get("type") != "reasoning":
            continue
        follower = items[place + 1] if place + 1 < len(items) else {}
        is_said = follower.get("type") in ("reasoning", "function_call")
        if not is_said and follower.get("role") != "assistant":
            yield f"item {place}: reasoning without its following item"


def _repeated(items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    counts = Counter(item["id"] for item in items if item.get("id"))
    for item_id, count in counts.items():
        if count > 1:
            yield f"id {item_id}: used {count} times"
