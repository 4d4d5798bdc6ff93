"""docs/chatkit-element.md has a row for everything that the ChatKit packages know, and no other."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.requirements import require
from tests.unit.docs import chatkit_types
from tests.unit.docs.chatkit_types import Declarations, declarations

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "chatkit-element.md"
PUBLISHED = ROOT / "web" / "node_modules" / "@openai" / "chatkit" / "types"
STATES = {"works", "partly", "ignored"}

FROM_BROWSER_TYPES: dict[str, Callable[[Declarations], set[str]]] = {
    "Options": chatkit_types.options,
    "Methods": chatkit_types.methods,
    "Events": chatkit_types.events,
}
FROM_SERVER_TYPES: dict[str, Callable[[], set[str]]] = {
    "Stream events": chatkit_types.stream_events,
    "Thread items": chatkit_types.items,
    "Tasks": chatkit_types.tasks,
    "Structured inputs": chatkit_types.structured_inputs,
}


def published(name: str) -> Declarations:
    file = PUBLISHED / name
    return declarations(require(file if file.exists() else None, "@openai/chatkit (npm ci in web)"))


def rows(section: str) -> dict[str, list[str]]:
    """The cells behind the name, by the name."""
    text = PAGE.read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    found = [line.strip("| ").split("|") for line in text.splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in row] for row in found]
    assert len({name for name, *_ in cells}) == len(cells), f"a name twice in {section}"
    return {name.strip("`"): about for name, *about in cells}


@pytest.mark.parametrize("section", FROM_BROWSER_TYPES)
def test_each_name_of_the_browser_types_has_a_row(section: str) -> None:
    assert set(rows(section)) == FROM_BROWSER_TYPES[section](published("index.d.ts"))


@pytest.mark.parametrize("section", FROM_SERVER_TYPES)
def test_each_name_of_the_server_types_has_a_row(section: str) -> None:
    assert set(rows(section)) == FROM_SERVER_TYPES[section]()


@pytest.mark.parametrize("section", [*FROM_BROWSER_TYPES, *FROM_SERVER_TYPES])
def test_each_row_says_what_becomes_of_it(section: str) -> None:
    for name, (state, *how) in rows(section).items():
        assert state in STATES, name
        assert state != "partly" or any(how), f"{name} works partly, but how?"


def test_each_component_has_a_row_with_each_of_its_properties() -> None:
    known = chatkit_types.components(published("widgets.d.ts"))
    told = rows("Widget components")
    assert set(told) == set(known)
    for name, (state, *cells) in told.items():
        drawn, left_out = (set(re.findall(r"`([^`]+)`", cell)) for cell in [*cells, "", ""][:2])
        assert drawn | left_out == known[name], name
        assert not drawn & left_out, name
        assert state in STATES, name
        assert (state == "works") <= (not left_out), name


def test_the_published_types_are_read_as_they_are() -> None:
    """The reading of them, by a few things that stand there."""
    known = published("index.d.ts")
    assert {
        "api.uploadStrategy.uploadUrl",
        "composer.attachments.maxSize",
        "composer.tools[].label",
        "header.leftAction.icon",
        "theme.color.accent.primary",
    } <= chatkit_types.options(known)
    assert {"setOptions", "sendUserMessage({ newThread })"} <= chatkit_types.methods(known)
    assert "addEventListener" not in chatkit_types.methods(known)
    assert len(chatkit_types.events(known)) == 13
    found = chatkit_types.components(published("widgets.d.ts"))
    assert {"asForm", "collapsed"} <= found["Card"]
    assert {"gap", "align"} == {"gap", "align"} & found["Basic"]
    assert "Chart" in found
