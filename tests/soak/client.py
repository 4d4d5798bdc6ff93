"""A chat client that records all it sends and reads, and outlives the nodes it talks to."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from typing import Any

import httpx

from tests.soak.cluster import NUMBERED, headers_of
from tests.soak.recordings import Intrusion, Look, Recording, Send, Stop, Stream

END = b": end\n\n"
SILENCE_SECONDS = 40.0
RETRY_SECONDS = 0.2
_FRAME_ID = re.compile(rb"^id: [0-9a-f-]{36}:([0-9]+)$", re.MULTILINE)
_THREAD_ID = re.compile(rb'"thread_id":"([^"]+)"')


@dataclass
class Reply:
    """A run's stream, as far as this client has it."""

    run_id: str
    #: Whole frames only: what a cut tore off comes again.
    body: bytes = b""
    is_whole: bool = False

    @property
    def seq(self) -> int:
        """Of the last frame."""
        found = _FRAME_ID.findall(self.body)
        return int(found[-1]) if found else 0

    @property
    def conversation_id(self) -> str | None:
        found = _THREAD_ID.search(self.body)
        return found[1].decode() if found else None


class Client:
    def __init__(self, user: str, recording: Recording) -> None:
        self.user = user
        self.recording = recording
        self._http = httpx.AsyncClient(
            headers=headers_of(user), timeout=httpx.Timeout(SILENCE_SECONDS, connect=10)
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def send(
        self,
        node: str,
        text: str,
        *,
        key: str,
        conversation_id: str | None = None,
        frames: int | None = None,
        reply: Reply | None = None,
    ) -> Reply:
        """Sends and reads the response, up to so many frames. Raises httpx.HTTPError when the
        connection was lost before the response began, or when the message was refused."""
        facts: dict[str, Any] = {
            "user": self.user,
            "key": key,
            "text": text,
            "conversation_id": conversation_id,
            "began_ns": time.time_ns(),
        }
        request = self._http.build_request(
            "POST", f"{node}/chatkit", json=_body(text, key, conversation_id), headers=NUMBERED
        )
        try:
            response = await self._http.send(request, stream=True)
        except httpx.HTTPError:
            self.recording.add(Send(**facts))
            raise
        run_id = response.headers.get("verbatim-run")
        facts |= {"answered_ns": time.time_ns(), "status": response.status_code, "run_id": run_id}
        self.recording.add(Send(**facts))
        if response.status_code != 200:
            await response.aclose()
        response.raise_for_status()
        reply = reply or Reply(run_id)
        reply.run_id = run_id
        await self._read(response, node, reply, 0, frames)
        return reply

    async def resume(self, node: str, reply: Reply, *, frames: int | None = None) -> None:
        """Goes on where the reply was cut. Raises httpx.HTTPError."""
        headers = {
            **NUMBERED,
            **({"Last-Event-ID": f"{reply.run_id}:{reply.seq}"} if reply.seq else {}),
        }
        request = self._http.build_request(
            "GET", f"{node}/chatkit/runs/{reply.run_id}/stream", headers=headers
        )
        response = await self._http.send(request, stream=True)
        if response.status_code != 200:
            await response.aclose()
        response.raise_for_status()
        await self._read(response, node, reply, reply.seq, frames)

    async def finish(self, node: str, reply: Reply) -> None:
        """Resumes until the reply is whole; a node that is behind, or comes up, is asked again."""
        while not reply.is_whole:
            try:
                await self.resume(node, reply)
            except httpx.HTTPStatusError as error:
                if error.response.status_code != 503:
                    raise
                await asyncio.sleep(RETRY_SECONDS)

    async def stop(self, node: str, run_id: str) -> None:
        """Raises httpx.HTTPError."""
        response = await self._http.delete(f"{node}/chatkit/runs/{run_id}")
        self.recording.add(Stop(user=self.user, run_id=run_id, status=response.status_code))

    async def intrude(self, node: str, method: str, path: str, *, with_token: bool = True) -> None:
        """Asks for what is another user's. Raises httpx.HTTPError."""
        headers = headers_of(self.user) if with_token else {}
        async with httpx.AsyncClient(headers=headers, timeout=SILENCE_SECONDS) as http:
            response = await http.request(method, f"{node}{path}")
        self.recording.add(
            Intrusion(
                user=self.user if with_token else None,
                request=f"{method} {path}",
                status=response.status_code,
            )
        )

    async def look(self, node: str, conversation_id: str, run_id: str) -> list[dict[str, Any]]:
        """The history's newest items. Raises httpx.HTTPError."""
        params = {"thread_id": conversation_id, "order": "desc", "limit": 100}
        response = await self._http.post(
            f"{node}/chatkit", json={"type": "items.list", "params": params}
        )
        response.raise_for_status()
        items: list[dict[str, Any]] = response.json()["data"]
        ids = tuple(item["id"] for item in items)
        self.recording.add(
            Look(user=self.user, conversation_id=conversation_id, run_id=run_id, item_ids=ids)
        )
        return items

    async def _read(
        self, response: httpx.Response, node: str, reply: Reply, after_seq: int, frames: int | None
    ) -> None:
        """Until the end, the cut after so many frames, or the loss of the connection."""
        known, received, is_ended = reply.body, b"", False
        try:
            async for piece in response.aiter_bytes():
                received += piece
                reply.body = known + _whole_frames(received, frames)
                if frames is not None and len(_FRAME_ID.findall(received)) > frames:
                    break
                reply.is_whole = received.endswith(END)
            else:
                is_ended = True
        except httpx.HTTPError:
            pass
        finally:
            await response.aclose()
            self.recording.add(
                Stream(
                    user=self.user,
                    run_id=reply.run_id,
                    node=node,
                    after_seq=after_seq,
                    body=received.decode("latin-1"),
                    is_ended=is_ended,
                )
            )


def _body(text: str, key: str, conversation_id: str | None) -> dict[str, Any]:
    message = {
        "content": [{"type": "input_text", "text": text}],
        "attachments": [],
        "inference_options": {},
    }
    kind = "threads.create" if conversation_id is None else "threads.add_user_message"
    params = {"input": message} | ({"thread_id": conversation_id} if conversation_id else {})
    return {"type": kind, "params": params, "metadata": {"idempotency_key": key}}


def _whole_frames(received: bytes, limit: int | None) -> bytes:
    blocks = [block for block in received.split(b"\n\n")[:-1] if block.startswith(b"id: ")]
    return b"".join(block + b"\n\n" for block in blocks[:limit])
