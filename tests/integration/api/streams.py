"""Server-sent events as a client reads them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass
class Event:
    name: str = "message"
    id: str | None = None
    text: str = ""

    @property
    def data(self) -> Any:
        return json.loads(self.text)


def parse(body: str) -> list[Event]:
    """The events of a whole body; comments and hints are left out."""
    return [event for block in body.split("\n\n") if (event := _event(block.split("\n")))]


async def read(response: httpx.Response) -> AsyncIterator[Event]:
    lines: list[str] = []
    async for line in response.aiter_lines():
        if line:
            lines.append(line)
            continue
        if event := _event(lines):
            yield event
        lines = []


def _event(lines: Iterable[str]) -> Event | None:
    event = Event()
    for line in lines:
        name, _, value = line.partition(": ")
        match name:
            case "event":
                event.name = value
            case "id":
                event.id = value
            case "data":
                event.text += value
    return event if event.text else None
