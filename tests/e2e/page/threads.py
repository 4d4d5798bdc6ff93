"""Conversations and runs in memory, as the page's backend keeps them."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

Event = dict[str, Any]
Item = dict[str, Any]

_numbers = count(1)


def new_id(noun: str) -> str:
    return f"{noun}_{next(_numbers):04d}"


@dataclass
class Thread:
    title: str | None = None
    id: str = field(default_factory=lambda: new_id("thread"))
    items: list[Item] = field(default_factory=list)
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    run: Run | None = None
    status: Item = field(default_factory=lambda: {"type": "active"})
    #: The server cannot show the newest items.
    is_stale: bool = False

    def item(self, kind: str, **content: Any) -> Item:
        made = {"id": new_id(kind), "thread_id": self.id, "created_at": now(), "type": kind}
        return made | content

    def user_message(self, text: str) -> Item:
        content = [{"type": "input_text", "text": text}]
        return self.item("user_message", content=content, attachments=[], inference_options={})

    def assistant_message(self, text: str, item_id: str | None = None) -> Item:
        content = [{"type": "output_text", "text": text, "annotations": []}]
        made = self.item("assistant_message", content=content if text else [])
        return made | ({"id": item_id} if item_id else {})

    def put(self, item: Item) -> None:
        for index, known in enumerate(self.items):
            if known["id"] == item["id"]:
                self.items[index] = item
                return
        self.items.append(item)

    def remove(self, item_id: str) -> None:
        self.items = [item for item in self.items if item["id"] != item_id]

    def holds(self, query: str) -> bool:
        """Each of the words in title or messages, as the server finds them."""
        text = json.dumps([self.title, [item.get("content") for item in self.items]]).lower()
        return all(word in re.findall(r"\w+", text) for word in query.lower().split())

    def as_metadata(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "created_at": self.updated_at.isoformat(),
            "status": self.status,
            "metadata": {},
            **({"title": self.title} if self.title else {}),
        }

    def as_conversation(self) -> dict[str, Any]:
        at = self.updated_at.isoformat()
        return {
            "id": self.id,
            "title": self.title,
            "status": "active",
            "created_at": at,
            "updated_at": at,
            "message_count": len(self.items),
            "last_message_at": at,
            "stale": self.is_stale,
        }


@dataclass
class Run:
    """The response body of one reply: frames that are numbered from 1 and kept."""

    thread: Thread
    id: str = field(default_factory=lambda: new_id("run"))
    frames: list[str] = field(default_factory=list)
    is_over: bool = False
    task: asyncio.Task[None] | None = None
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def send(self, event: Event) -> None:
        match event:
            case {"type": "thread.item.done" | "thread.item.replaced", "item": item}:
                self.thread.put(item)
            case {"type": "thread.item.removed", "item_id": item_id}:
                self.thread.remove(item_id)
        frame = f"id: {self.id}:{len(self.frames) + 1}\ndata: {json.dumps(event)}\n\n"
        async with self._changed:
            self.frames.append(frame)
            self._changed.notify_all()

    async def close(self) -> None:
        async with self._changed:
            self.is_over = True
            self.thread.run = None
            self._changed.notify_all()

    async def frame(self, index: int) -> str | None:
        """The frame at a 0-based index as soon as it exists, None when there will be none."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.is_over or len(self.frames) > index)
        return self.frames[index] if len(self.frames) > index else None


def now() -> str:
    return datetime.now(UTC).isoformat()
