"""A page with one notice, for people whose browser came to an address that is not a page."""

from __future__ import annotations

from html import escape

_PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>{title} · Verbatim</title>
  <link rel="icon" href="/favicon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/page.css">
</head>
<body>
  <main class="gate">
    <img src="/favicon.svg" alt="" width="56" height="56">
    <h1>{title}</h1>
    <p>{text}</p>
  </main>
</body>
</html>
"""


def notice(title: str, text: str) -> str:
    """Words between backquotes become code."""
    pieces = escape(text).split("`")
    marked = "".join(f"<code>{p}</code>" if n % 2 else p for n, p in enumerate(pieces))
    return _PAGE.format(title=escape(title), text=marked)
