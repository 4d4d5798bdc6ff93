"""What the installed ChatKit packages know: read from the types that they publish."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

from chatkit import types, widgets
from pydantic import BaseModel

Declarations = dict[str, str]
Fields = dict[str, str]

#: Values that options and methods take as a whole.
WHOLE = ("Attachment", "Command", "Entity", "ToolChoice", "UserMessageContent")
#: Of every component alike.
COMMON_PROPERTIES = {"type", "key", "id", "children"}
OPENING, CLOSING = "{([<", "})]>"


def declarations(source: Path) -> Declarations:
    """Each declared type or interface with its text."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", source.read_text(), flags=re.DOTALL)
    text = text.replace("${string}", "").replace("=>", "→")
    found: Declarations = {}
    for match in re.finditer(r"(?:type (\w+) =|interface (\w+) [^{]*)", text):
        found[match[1] or match[2]] = _until(text[match.end() :], ";" if match[1] else "\n")
    return found


def options(known: Declarations) -> set[str]:
    """Every option by its path, a list's fields behind `[]`."""
    return set(_paths(known["ChatKitOptions"], known, ""))


def methods(known: Declarations) -> set[str]:
    """Every method, and every field of the objects that they take."""
    found: set[str] = set()
    for name, text in fields(known["OpenAIChatKit"]).items():
        if name.endswith("EventListener"):
            continue
        found.add(name)
        if "{" in text and name.startswith(("send", "set")):
            parameters = _until(text[text.index("{") :], ")")
            found |= {f"{name}({{ {field} }})" for field in fields(parameters)}
    return found


def events(known: Declarations) -> set[str]:
    return set(fields(known["ChatKitEvents"]))


def stream_events() -> set[str]:
    """Both of a thread and of an item in it."""
    return _tags(types.ThreadStreamEvent) | _tags(types.ThreadItemUpdate)


def items() -> set[str]:
    return _tags(types.ThreadItem)


def tasks() -> set[str]:
    return _tags(types.Task)


def structured_inputs() -> set[str]:
    return _tags(types.StructuredInput)


def components(known: Declarations) -> dict[str, set[str]]:
    """Every component that either package has, with the properties that either gives it."""
    found: dict[str, set[str]] = {}
    for text in known.values():
        about = _all_fields(text, known)
        if (tag := re.fullmatch(r"'([A-Z][\w.]*)'", about.get("type", ""))) is not None:
            found.setdefault(tag[1], set()).update(about)
    for model in _models((widgets.StrictWidgetComponent, widgets.StrictWidgetRoot)):
        found.setdefault(_tag_of(model), set()).update(model.model_fields)
    return {name: about - COMMON_PROPERTIES for name, about in found.items()}


def fields(text: str) -> Fields:
    """The fields of the object types that stand in a type, each with its own type."""
    found: Fields = {}
    for body in _objects(text):
        for part in _split(body):
            if (match := re.match(r"'?([\w.]+)'?\??\s*[:(<](.*)", part, re.DOTALL)) is not None:
                found.setdefault(match[1], match[2].strip())
    return found


def _all_fields(text: str, known: Declarations) -> Fields:
    """With those of the types that are mixed in by `&`."""
    found = fields(text)
    for mixed in re.findall(r"& (\w+)", text):
        if mixed in known:
            found |= _all_fields(known[mixed], known)
    for whole, picked in re.findall(r"& Pick<(\w+), ([^>]*)>", text):
        wanted = re.findall(r"'(\w+)'", picked)
        found |= {n: t for n, t in _all_fields(known[whole], known).items() if n in wanted}
    return found


def _paths(text: str, known: Declarations, prefix: str) -> Iterator[str]:
    for name, kind in fields(text).items():
        yield prefix + name
        if "→" in re.sub(r"\{.*\}", "", kind, flags=re.DOTALL):
            continue
        step = prefix + name + ("[]." if kind.endswith("[]") else ".")
        yield from _paths(kind, known, step)
        for used in re.findall(r"\b[A-Z]\w+", kind):
            if used in known and used not in WHOLE and used != "Widgets":
                yield from _paths(known[used], known, step)


def _until(text: str, end: str) -> str:
    """The text up to the first `end` that stands in no bracket."""
    depth = 0
    for at, char in enumerate(text):
        if depth == 0 and char == end and text[:at].strip():
            return text[:at].strip()
        depth += (char in OPENING) - (char in CLOSING)
    return text.strip()


def _objects(text: str) -> Iterator[str]:
    """The insides of the outermost braces."""
    depth, start = 0, 0
    for at, char in enumerate(text):
        if char == "{":
            start = at + 1 if depth == 0 else start
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                yield text[start:at]


def _split(body: str) -> Iterator[str]:
    while body.strip():
        part = _until(body, ";")
        yield part
        body = body[body.index(part) + len(part) + 1 :]


def _models(annotations: Iterable[Any]) -> Iterator[type[BaseModel]]:
    for annotation in annotations:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
        else:
            yield from _models(a for a in get_args(annotation) if not isinstance(a, str))


def _tags(annotation: Any) -> set[str]:
    return {_tag_of(model) for model in _models((annotation,))}


def _tag_of(model: type[BaseModel]) -> str:
    return str(model.model_fields["type"].default)
