"""What a person reads: headed entries, as text, Markdown or a page of HTML.

What users, models and tools wrote is shown as it stands, never as markup: in Markdown it lies in
fences that are longer than any it holds, in HTML it is escaped, and the page may run and load
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

from cli.terminal import printable

Form = Literal["text", "markdown", "json", "html"]

INDENT = "    "
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --quiet: #59636e; --line: #d1d9e0; --user: #eef4fb; }
@media (prefers-color-scheme: dark) {
  :root { --quiet: #9aa4b0; --line: #3a424d; --user: #1d2733; }
}
body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; }
h2, h3 { font-size: .85rem; font-weight: 600; color: var(--quiet); margin: 0 0 .25rem; }
h2, h3, dd { overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; font-size: .85rem; }
dt { color: var(--quiet); } dd { margin: 0; }
section { border-top: 1px solid var(--line); padding: .75rem; }
section.user { background: var(--user); }
pre { margin: 0; font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; }
section section { border: 0; border-left: 3px solid var(--line); }
section section { padding: .25rem .75rem; margin: .5rem 0; }
section section pre { font: .85rem/1.4 ui-monospace, monospace; }
"""


@dataclass(frozen=True, slots=True)
class Entry:
    head: str
    text: str = ""
    #: user | assistant | event
    kind: str = "event"
    #: What belongs to it: a head and a text each.
    details: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    entries: Sequence[Entry] = ()


def rendered(document: Document, form: Form) -> str:
    render = {"markdown": _markdown, "html": _html}.get(form, _text)
    return printable("\n".join(render(document)))


def _text(document: Document) -> Iterator[str]:
    yield _one_line(document.title)
    yield from (f"{name}: {value}" for name, value in document.facts.items() if value is not None)
    for entry in document.entries:
        yield ""
        yield _one_line(entry.head)
        for head, text in entry.details:
            yield INDENT + _one_line(head)
            yield _indented(text, 2)
        if entry.text:
            yield _indented(entry.text, 1)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _indented(text: str, depth: int) -> str:
    return "\n".join(INDENT * depth + line for line in text.split("\n"))


def _markdown(document: Document) -> Iterator[str]:
    yield f"# {_in_line(document.title)}"
    yield ""
    for name, value in document.facts.items():
        if value is not None:
            yield f"- {_in_line(name)}: {_in_line(str(value))}"
    for entry in document.entries:
        yield from ("", f"## {_in_line(entry.head)}")
        for head, text in entry.details:
            yield from ("", f"### {_in_line(head)}", "", *_fenced(text))
        if entry.text:
            yield from ("", *_fenced(entry.text))


def _in_line(text: str) -> str:
    """As it stands: every character that could mean something is escaped."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", _one_line(text))


def _fenced(text: str) -> tuple[str, str, str]:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return (f"{fence}text", text, fence)


def _html(document: Document) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{_shown(document.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>"
    yield f'<h1 dir="auto">{_shown(document.title)}</h1>\n<dl>'
    for name, value in document.facts.items():
        if value is not None:
            yield f"<dt>{_shown(name)}</dt><dd>{_shown(str(value))}</dd>"
    yield "</dl>\n<main>"
    for entry in document.entries:
        yield f'<section class="{_shown(entry.kind)}">\n<h2>{_shown(entry.head)}</h2>'
        for head, text in entry.details:
            yield f'<section><h3>{_shown(head)}</h3><pre dir="auto">{_shown(text)}</pre></section>'
        if entry.text:
            yield f'<pre dir="auto">{_shown(entry.text)}</pre>'
        yield "</section>"
    yield "</main>\n</body>\n</html>"


def _shown(text: str) -> str:
    """In ASCII, so that no terminal's encoding can spoil it."""
    return escape(printable(text)).encode("ascii", "xmlcharrefreplace").decode()
