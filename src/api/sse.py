"""A run as server-sent events, in two dialects: ChatKit's bare frames, and named events."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator, Callable, Sequence

import orjson
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive

from agent.frames import Frame
from api.errors import UnusableRequest
from api.run_feed import RunFeed
from runtime.metrics import Metrics
from runtime.node import Node

MEDIA_TYPE = "text/event-stream"
PING_SECONDS = 10
MAX_SEQ = 2**31 - 1
PING = b": ping\n\n"
END = b": end\n\n"
RUN_HEADER = "Verbatim-Run"
#: The branch of a page of items, to be sent back as metadata.branch_id with a message below it.
BRANCH_HEADER = "Verbatim-Branch"
#: `true` where newer events of what was asked for could not be shown.
STALE_HEADER = "Verbatim-Stale"
#: Compression by a proxy holds every event back to the end; no-transform forbids it.
STREAM_HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}

_LAST_EVENT_ID = re.compile(r"(?P<run>[0-9a-f-]{36}):(?P<seq>[0-9]{1,10})", re.ASCII)

#: Frames to the bytes of one chunk; empty when there is nothing to send.
Format = Callable[[Sequence[Frame]], bytes]


async def chatkit_stream(
    node: Node,
    run_id: uuid.UUID,
    owner_id: str,
    after_seq: int = 0,
    *,
    is_beginning: bool = False,
    with_ids: bool,
    abort_stops: bool = False,
) -> Response:
    """The run as ChatKit reads it. What goes wrong is raised before anything is sent.

    `abort_stops`: the client has said that it means Stop when it leaves before the end.
    """
    feed = RunFeed(node.frames, run_id, owner_id, after_seq, is_beginning=is_beginning)
    await feed.begin()
    form = _numbered(run_id) if with_ids else _bare
    body = _body(node.metrics, feed, form, ping=PING, end=END if with_ids else b"")
    headers = stream_headers(run_id)
    if not abort_stops:
        return StreamingResponse(body, media_type=MEDIA_TYPE, headers=headers)

    def leave() -> None:
        if not feed.is_complete:
            node.stops.ask(run_id, owner_id)

    return LeavableStream(body, leave, headers)


class LeavableStream(StreamingResponse):
    """Tells when the client leaves; a node that shuts down is not a client that leaves."""

    def __init__(
        self, content: AsyncIterator[bytes], on_leave: Callable[[], None], headers: dict[str, str]
    ) -> None:
        super().__init__(content, media_type=MEDIA_TYPE, headers=headers)
        self._on_leave = on_leave

    async def listen_for_disconnect(self, receive: Receive) -> None:
        await super().listen_for_disconnect(receive)
        self._on_leave()


async def event_stream(
    node: Node,
    run_id: uuid.UUID,
    owner_id: str,
    after_seq: int = 0,
    *,
    is_beginning: bool = False,
    preamble: dict[str, object] | None = None,
) -> Response:
    """The run as named events; `preamble` is an event `conversation` before the first frame."""
    feed = RunFeed(node.frames, run_id, owner_id, after_seq, is_beginning=is_beginning)
    await feed.begin()
    begin = _event(b"conversation", run_id, 0, orjson.dumps(preamble)) if preamble else b""
    body = _body(node.metrics, feed, _named(run_id), begin=begin)
    return event_source(body, stream_headers(run_id))


def event_source(content: AsyncIterator[bytes], headers: dict[str, str]) -> Response:
    """Pings by itself."""
    return EventSourceResponse(
        content,
        headers=headers,
        ping=PING_SECONDS,
        ping_message_factory=lambda: ServerSentEvent(comment="ping", sep="\n"),
        sep="\n",
    )


def stream_headers(run_id: uuid.UUID) -> dict[str, str]:
    return {**STREAM_HEADERS, RUN_HEADER: str(run_id)}


def seq_after(last_event_id: str | None, run_id: uuid.UUID) -> int | None:
    """The sequence number a reader has reached; None when it has seen nothing yet.

    Raises UnusableRequest for another run's id, or for none of ours.
    """
    if last_event_id is None:
        return None
    match = _LAST_EVENT_ID.fullmatch(last_event_id)
    if match is None or match["run"] != str(run_id) or int(match["seq"]) > MAX_SEQ:
        raise UnusableRequest(
            "Last-Event-ID must be an id that this run's stream sent, as in "
            f"'{run_id}:7'; leave it out to begin with the first event."
        )
    return int(match["seq"])


async def _body(
    metrics: Metrics,
    feed: RunFeed,
    form: Format,
    *,
    begin: bytes = b"",
    ping: bytes = b"",
    end: bytes = b"",
) -> AsyncIterator[bytes]:
    with metrics.open_stream():
        if begin:
            yield begin
        async for batch in feed.batches():
            if chunk := form(batch) if batch else ping:
                yield chunk
        if end and feed.is_complete:
            yield end


def _bare(frames: Sequence[Frame]) -> bytes:
    return b"".join(b"data: %b\n\n" % frame.body for frame in frames if frame.body)


def _numbered(run_id: uuid.UUID) -> Format:
    run = str(run_id).encode()

    def form(frames: Sequence[Frame]) -> bytes:
        return b"".join(b"id: %b:%d\ndata: %b\n\n" % (run, f.seq, f.body) for f in frames if f.body)

    return form


def _named(run_id: uuid.UUID) -> Format:
    def form(frames: Sequence[Frame]) -> bytes:
        return b"".join(_event(_type_of(f.body), run_id, f.seq, f.body) for f in frames if f.body)

    return form


def _event(name: bytes, run_id: uuid.UUID, seq: int, body: bytes) -> bytes:
    return b"event: %b\nid: %b:%d\ndata: %b\n\n" % (name, str(run_id).encode(), seq, body)


def _type_of(body: bytes) -> bytes:
    kind: str = orjson.loads(body)["type"]
    return kind.encode()
