"""One simulated user: sends, cuts and resumes, reads in two tabs, stops, looks, pries."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

from tests.soak.client import Client, Reply
from tests.soak.model import KINDS
from tests.soak.recordings import Recording, Surprise

#: Longer than a takeover, a stalled node and a slow machine together.
PATIENCE_SECONDS = 90.0
RETRY_SECONDS = 0.2
MOST_CONVERSATIONS = 4
#: An intruder's look does not wait for the owner's writes to be shown.
PRY_AFTER_SECONDS = 15.0
#: Statuses of a node that comes or goes.
AWAY = frozenset({502, 503, 504})

T = TypeVar("T")
Nodes = Callable[[], list[str]]


class Known:
    """What all users know of each other's runs: what an intruder tries."""

    def __init__(self) -> None:
        self.runs: list[tuple[float, str, str]] = []

    def add(self, user: str, run_id: str) -> None:
        self.runs.append((time.monotonic(), user, run_id))

    def of_others(self, user: str) -> list[str]:
        until = time.monotonic() - PRY_AFTER_SECONDS
        return [run_id for at, owner, run_id in self.runs if owner != user and at < until]


class User:
    def __init__(
        self, name: str, seed: int, nodes: Nodes, recording: Recording, known: Known
    ) -> None:
        self._chance = random.Random(f"{seed} {name}")
        self._name = name
        self._nodes = nodes
        self._recording = recording
        self._client = Client(name, recording)
        self._known = known
        self._conversations: list[str] = []
        self._messages = 0

    async def run(self, is_over: asyncio.Event) -> None:
        """Until it is over; then the reply in hand is still read to its end."""
        while not is_over.is_set():
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._act()
            except TimeoutError:
                self._wonder(f"waited in vain for {PATIENCE_SECONDS:.0f} s")
            except httpx.HTTPStatusError as error:
                self._wonder(f"{error.request.url.path}: {error.response.status_code}")
            await asyncio.sleep(self._chance.uniform(0, 0.5))
        await self._client.close()

    async def _act(self) -> None:
        text = f"{self._chance.choice(KINDS)} {self._name}-{self._count()}"
        conversation_id = self._choose_conversation()
        match self._chance.random():
            case p if p < 0.35:
                await self._talk(text, conversation_id)
            case p if p < 0.55:
                await self._talk_in_two_tabs(text, conversation_id)
            case p if p < 0.7:
                await self._stop_midway(text, conversation_id)
            case p if p < 0.8:
                await self._send_twice_at_once(text, conversation_id)
            case p if p < 0.9 and conversation_id is not None:
                other = f"say {self._name}-{self._count()}"
                await asyncio.gather(
                    self._talk(text, conversation_id), self._talk(other, conversation_id)
                )
            case _:
                await self._pry()

    async def _talk(self, text: str, conversation_id: str | None) -> None:
        reply = await self._send(text, conversation_id, frames=self._cut())
        await self._look(reply)
        await self._finish(reply)

    async def _talk_in_two_tabs(self, text: str, conversation_id: str | None) -> None:
        reply = await self._send(text, conversation_id, frames=self._cut())
        tab = Reply(reply.run_id)
        await asyncio.gather(self._finish(reply), self._finish(tab))
        if tab.body != reply.body:
            self._wonder(f"two tabs saw different streams of run {reply.run_id}")

    async def _stop_midway(self, text: str, conversation_id: str | None) -> None:
        reply = await self._send(text, conversation_id, frames=self._chance.randint(3, 20))
        await self._retried(lambda node: self._client.stop(node, reply.run_id))
        await self._finish(reply)

    async def _send_twice_at_once(self, text: str, conversation_id: str | None) -> None:
        """One message, under one key, over two connections to whichever nodes."""
        key = self._key()
        one, two = await asyncio.gather(
            self._send(text, conversation_id, key=key, frames=self._cut()),
            self._send(text, conversation_id, key=key),
        )
        await asyncio.gather(self._finish(one), self._finish(two))
        if (one.run_id, one.body) != (two.run_id, two.body):
            self._wonder(f"one key was answered by {one.run_id} and {two.run_id}")

    async def _pry(self) -> None:
        runs = self._known.of_others(self._name)
        if not runs:
            return
        path = f"/chatkit/runs/{self._chance.choice(runs)}"
        request = self._chance.choice((("GET", f"{path}/stream"), ("DELETE", path)))
        with_token = self._chance.random() < 0.7
        await self._retried(
            lambda node: self._client.intrude(node, *request, with_token=with_token)
        )

    async def _send(
        self,
        text: str,
        conversation_id: str | None,
        *,
        key: str | None = None,
        frames: int | None = None,
    ) -> Reply:
        """Until it was accepted, always under the same key."""
        key = key or self._key()
        reply = await self._retried(
            lambda node: self._client.send(
                node, text, key=key, conversation_id=conversation_id, frames=frames
            )
        )
        self._known.add(self._name, reply.run_id)
        if conversation_id is None and reply.conversation_id not in (None, *self._conversations):
            self._conversations.append(str(reply.conversation_id))
        return reply

    async def _finish(self, reply: Reply) -> None:
        while not reply.is_whole:
            await self._retried(lambda node: self._client.resume(node, reply, frames=self._cut()))

    async def _look(self, reply: Reply) -> None:
        conversation_id = reply.conversation_id
        if conversation_id is not None:
            await self._retried(lambda node: self._client.look(node, conversation_id, reply.run_id))

    async def _retried(self, request: Callable[[str], Awaitable[T]]) -> T:
        """On one node after the other, while they are away."""
        while True:
            if nodes := self._nodes():
                try:
                    return await request(self._chance.choice(nodes))
                except httpx.HTTPStatusError as error:
                    if error.response.status_code not in AWAY:
                        raise
                except httpx.HTTPError:
                    pass
            await asyncio.sleep(RETRY_SECONDS)

    def _choose_conversation(self) -> str | None:
        is_new = len(self._conversations) < MOST_CONVERSATIONS and self._chance.random() < 0.4
        return (
            None if is_new or not self._conversations else self._chance.choice(self._conversations)
        )

    def _cut(self) -> int | None:
        """After how many frames the connection is dropped."""
        return self._chance.choice((None, None, self._chance.randint(0, 40)))

    def _key(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128)))

    def _count(self) -> int:
        self._messages += 1
        return self._messages

    def _wonder(self, what: str) -> None:
        self._recording.add(Surprise(user=self._name, what=what))
