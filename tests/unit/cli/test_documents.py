from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from cli.documents import Document, Entry, rendered

HOSTILE = (
    "</pre><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "```\n# forged heading\n````` [a](javascript:alert(1))",
    "&lt;b&gt; &amp; ' \" \\",
    "\x1b[2J\x00\x9b31m\r\x07",
    "\u202egnp.exe \u2066 \u05e9\u05dc \U0001f600",
    "# heading\n\n- [ ] list\n<!-- ]]> -->",
)
ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "h1", "dl", "dt", "dd", "main"),
    *("section", "h2", "h3", "pre"),
}


class Page(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.policy = ""
        self.texts: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        told = dict(attrs)
        if told.get("http-equiv") == "Content-Security-Policy":
            self.policy = told["content"] or ""

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def document_of(text: str) -> Document:
    entry = Entry(text, text, "user", [(text, text)])
    return Document(text, {"from": text, "nothing": None}, [entry])


@pytest.mark.parametrize("n", range(len(HOSTILE)))
def test_html_shows_hostile_text_and_obeys_none_of_it(n: int) -> None:
    page = Page(rendered(document_of(HOSTILE[n]), "html"))
    assert page.tags <= ALLOWED
    assert page.attributes <= {
        *("lang", "charset", "http-equiv", "content", "name", "class", "dir"),
    }
    assert page.policy == "default-src 'none'; style-src 'unsafe-inline'"
    shown = "".join(page.texts)
    for word in re.findall(r"\w+", HOSTILE[n].replace("\x1b", " ").replace("\x9b", " ")):
        assert word in shown
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)


def test_html_is_one_page_in_light_and_dark() -> None:
    source = rendered(document_of("é"), "html")
    assert source.isascii()
    assert "color-scheme: light dark" in source
    assert "prefers-color-scheme: dark" in source
    assert not re.search(r"https?:|url\(|@import", source)


@pytest.mark.parametrize("n", range(len(HOSTILE)))
def test_markdown_keeps_hostile_text_inside_its_fence(n: int) -> None:
    lines = rendered(document_of(HOSTILE[n]), "markdown").split("\n")
    outside, fence = [], ""
    for line in lines:
        if fence:
            fence = "" if line == fence else fence
        elif found := re.fullmatch("(`{3,})text", line):
            fence = found[1]
        else:
            outside.append(line)
    assert fence == ""
    assert len([line for line in outside if line.startswith("#")]) == 3
    for line in outside:
        assert not re.search(r"(?<!\\)[<>`\[\]]", line), line


def test_text_is_indented_below_its_heads() -> None:
    entry = Entry("assistant", "one\ntwo", details=[("tool t · success", "{}\n→ ok")])
    assert rendered(Document("Title", {"version": 3}, [entry]), "text").split("\n") == [
        "Title",
        "version: 3",
        "",
        "assistant",
        "    tool t · success",
        "        {}",
        "        → ok",
        "    one",
        "    two",
    ]
