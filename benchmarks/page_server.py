"""A server for the chat element alone: a long conversation, and replies at any speed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.responses import StreamingResponse as Stream
from starlette.routing import Route
from tests.ports import free_port

from api.joined_element import join_element

MESSAGES = 10_000
DELTA = "words of it **go** on and "
CREATED = "2026-01-01T00:00:00Z"
PAGE = """<!doctype html><title>bench</title><meta charset="utf-8">
<style>html, body { height: 100%; margin: 0 }</style><body>"""
REPLY = """Here is what was found about number {n}:

- the **first** thing, with `code` in it
- the second, and [a link](https://example.com/{n})

And a paragraph that ends the answer, as long as answers tend to be. It says little, but it fills
two lines on most screens, which is what matters here.
"""


@asynccontextmanager
async def page_server() -> AsyncIterator[str]:
    app = Starlette(
        routes=[
            Route("/", lambda request: HTMLResponse(PAGE)),
            Route("/chatkit.js", _element),
            Route("/chatkit", _chatkit, methods=["POST"]),
        ]
    )
    config = uvicorn.Config(app, port=free_port(), log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{config.port}"
    finally:
        server.should_exit = True
        await serving


async def _chatkit(request: Request) -> Response:
    body = await request.json()
    params = body["params"]
    match body["type"]:
        case "items.list":
            return JSONResponse(_page(params["limit"], params.get("after")))
        case "threads.get_by_id":
            thread = {"id": params["thread_id"], "created_at": CREATED, "title": "Long"}
            page = {"data": [], "has_more": False}
            return JSONResponse(thread | {"status": {"type": "active"}, "items": page})
        case _:
            asked = json.loads(params["input"]["content"][0]["text"])
            return Stream(_reply(**asked), media_type="text/event-stream")


def _page(limit: int, after: str | None) -> dict[str, Any]:
    newest = MESSAGES if after is None else int(after)
    oldest = max(0, newest - limit)
    items = [_item(n) for n in range(newest - 1, oldest - 1, -1)]
    return {"data": items, "has_more": oldest > 0, "after": str(oldest)}


def _item(n: int) -> dict[str, Any]:
    item: dict[str, Any] = {"id": f"m{n}", "thread_id": "long", "created_at": CREATED}
    if n % 2 == 0:
        content = [{"type": "input_text", "text": f"What about number {n}?"}]
        return item | {"type": "user_message", "content": content, "inference_options": {}}
    content = [{"type": "output_text", "text": REPLY.format(n=n), "annotations": []}]
    return item | {"type": "assistant_message", "content": content}


async def _reply(frames: int, per_second: float, cycle: int) -> AsyncIterator[str]:
    """`frames` in all, in messages of `cycle` frames that are taken away once they are said."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    update = {"type": "assistant_message.content_part.text_delta", "content_index": 0}
    for number in range(frames):
        item = {"id": f"r{number // cycle}", "type": "assistant_message", "content": []}
        place = number % cycle
        if place == 0:
            yield _frame({"type": "thread.item.added", "item": item})
        elif place == cycle - 1:
            yield _frame({"type": "thread.item.removed", "item_id": item["id"]})
        else:
            delta = update | {"delta": DELTA if place % 40 else "\n\n"}
            event = {"type": "thread.item.updated", "item_id": item["id"], "update": delta}
            yield _frame(event)
        if per_second:
            await asyncio.sleep(max(0, start + number / per_second - loop.time()))


def _frame(event: dict[str, Any]) -> str:
    return f"data: {json.dumps(event)}\n\n"


def _element(request: Request) -> Response:
    return Response(join_element(), media_type="text/javascript")
