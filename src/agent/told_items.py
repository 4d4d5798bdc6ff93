"""Thread items that the model is told of: what the user answered, or did to a widget."""

from __future__ import annotations

from typing import Any

import orjson

SKIPPED = "(skipped)"


def is_told(item: dict[str, Any]) -> bool:
    match item.get("type"), item.get("status"):
        case ("client_tool_call", "completed"):
            return True
        case ("structured_input", "answered" | "skipped"):
            return True
        case (kind, _):
            return kind == "hidden_context_item"


def told_text(item: dict[str, Any]) -> str:
    match item["type"]:
        case "client_tool_call":
            return (
                f"The tool {item.get('name')} was carried out for the user with "
                f"{_json(item.get('arguments'))} and answered: {_json(item.get('output'))}"
            )
        case "structured_input":
            return "\n\n".join(_answered(asked) for asked in item.get("inputs", ()))
        case _:
            content = item.get("content")
            text = content if isinstance(content, str) else _json(content)
            # The frame in which ChatKit's own converter gives it to a model.
            return (
                "Hidden context for the agent (not shown to the user):\n"
                f"<HiddenContext>\n{text}\n</HiddenContext>"
            )


def _answered(asked: dict[str, Any]) -> str:
    answer = asked.get("answer") or {}
    return f"{asked.get('question')}\n{', '.join(answer.get('values') or ()) or SKIPPED}"


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
