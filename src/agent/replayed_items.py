"""What a model put out, in the form in which it may be given to a model again.

The fields are those of `openai.types.responses.ResponseInputItemParam`. One is the Agents SDK's
own: `provider_data`, which its chat completions need (signed reasoning) and which it strips
itself before anything goes to a Responses host.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Item = dict[str, Any]

#: The Responses API refuses longer ids.
ID_CHARACTERS = 64
#: What the id of a message without its reasoning ends with.
ALONE = "_alone"
PHASES = ("commentary", "final_answer")


def replayed(items: Iterable[Item]) -> list[Item]:
    """The items as input; reasoning stays only in front of the item that it led to."""
    usable: list[Item] = []
    is_followed = False
    for item in reversed(list(items)):
        kept = _as_input(item)
        if kept is not None and (is_followed or kept["type"] != "reasoning"):
            usable.append(kept)
            is_followed = True
        elif item.get("type") == "reasoning":
            # It leaves no gap: reasoning before it stays in front of what follows.
            _detach_first(usable)
        else:
            is_followed = False
    return usable[::-1]


def without_references(items: Sequence[Item]) -> list[Item]:
    """An input without reasoning that its host would have to look up.

    Of items that a model has put out in the run at hand; a run's context has none of it. (A host
    told not to store anything refuses it: "Items are not persisted when `store` is set to false".)
    """
    kept: list[Item] = []
    for item in reversed(items):
        if item.get("type") == "reasoning" and _as_input(item) is None:
            _detach_first(kept)
        else:
            kept.append(item)
    return kept[::-1]


def detached(item: Item) -> Item:
    """The item as if no reasoning had led to it.

    A host knows by an item's id which reasoning it came after, and refuses it alone: "function_call
    was provided without its required reasoning item".
    """
    if item["type"] == "message":
        return {**item, "id": item["id"][: ID_CHARACTERS - len(ALONE)] + ALONE}
    return {name: value for name, value in item.items() if name != "id"}


def _detach_first(reversed_items: list[Item]) -> None:
    for place in reversed(range(len(reversed_items))):
        if reversed_items[place]["type"] != "reasoning":
            reversed_items[place] = detached(reversed_items[place])
            return


def assistant_message(item_id: str, content: list[Item], status: str) -> Item:
    return {
        "type": "message",
        "role": "assistant",
        "id": item_id,
        "status": status,
        "content": content,
    }


def _as_input(item: Item) -> Item | None:
    match item:
        case {"type": "message", "id": str(), "content": [*parts]}:
            kept = _message(item, parts)
        case {"type": "function_call", "call_id": str(), "name": str(), "arguments": str()}:
            kept = _only(item, "type", "id", "call_id", "name", "arguments", "namespace")
        case {"type": "reasoning", "id": str()}:
            kept = _reasoning(item)
        case _:
            return None
    if kept is not None and isinstance(item.get("provider_data"), dict):
        kept["provider_data"] = item["provider_data"]
    return kept


def _message(item: Item, parts: Iterable[Item]) -> Item | None:
    content = [kept for part in parts if (kept := _message_part(part))]
    if not content:
        return None
    status = "completed" if item.get("status", "completed") == "completed" else "incomplete"
    message = assistant_message(item["id"], content, status)
    return {**message, "phase": item["phase"]} if item.get("phase") in PHASES else message


def _message_part(part: Item) -> Item | None:
    match part:
        case {"type": "output_text", "text": str(text)} if text:
            annotations = list(part.get("annotations") or ())
            return {"type": "output_text", "text": text, "annotations": annotations}
        case {"type": "refusal", "refusal": str(refusal)} if refusal:
            return {"type": "refusal", "refusal": refusal}
        case _:
            return None


def _reasoning(item: Item) -> Item | None:
    kept = _only(item, "type", "id", "encrypted_content")
    if not str(kept.get("encrypted_content", "")).isascii():
        return None  # cut to be storable, and so no longer decryptable by the host
    kept["summary"] = _texts(item.get("summary"), "summary_text")
    if content := _texts(item.get("content"), "reasoning_text"):
        kept["content"] = content
    # With its id and a summary it could only be looked up, in a host told not to store anything.
    is_reference = not (content or kept.get("encrypted_content"))
    return None if is_reference and not item.get("provider_data") else kept


def _texts(parts: Iterable[Item] | None, part_type: str) -> list[Item]:
    found: list[Item] = []
    for part in parts or ():
        match part:
            case {"type": kind, "text": str(text)} if kind == part_type and text:
                found.append({"type": part_type, "text": text})
    return found


def _only(item: Item, *fields: str) -> Item:
    return {name: item[name] for name in fields if item.get(name) is not None}
