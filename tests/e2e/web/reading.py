"""A stream as it arrives, line by line."""

from __future__ import annotations

import time
from dataclasses import dataclass

import httpx

from tests.e2e.web.belongings import message
from tests.e2e.web.people import Person
from tests.e2e.web.site import Site

#: As the chat element asks, and browsers add to it.
STREAM = {"Accept": "text/event-stream", "Accept-Encoding": "gzip", "Verbatim-Frames": "id"}


@dataclass(frozen=True)
class Line:
    at: float
    text: str


def read(response: httpx.Response) -> list[Line]:
    assert "content-encoding" not in response.headers
    return [Line(time.monotonic(), text) for text in response.iter_lines() if text]


def read_reply(site: Site, person: Person, text: str) -> list[Line]:
    """What the site answers to a message, to its end."""
    with (
        person.client(site) as client,
        client.stream("POST", "/api/chatkit", json=message(text), headers=STREAM) as response,
    ):
        return read(response)
