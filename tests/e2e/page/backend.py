"""A chat server in memory that speaks the page's wire, with faults on demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from api.page import page_router

from .replies import script_for
from .threads import Run, Thread, new_id

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)

Cut = Literal["abort", "end", "silence"]


class TornConnection(Exception):
    """Makes the server drop a connection in mid-body."""


@dataclass
class Sent:
    """One request to the chat, as it arrived."""

    type: str
    params: dict[str, Any]
    headers: dict[str, str]
    idempotency_key: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass
class Refusal:
    status: int
    detail: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Backend:
    is_signed_in: bool = True
    assistant: dict[str, Any] = field(default_factory=lambda: {"kind": "offline", "model": "rules"})
    threads: dict[str, Thread] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    requests: list[Sent] = field(default_factory=list)
    #: What the list was searched for.
    searches: list[str] = field(default_factory=list)
    #: answers to the next streaming operations, before anything runs
    refusals: list[Refusal] = field(default_factory=list)
    #: answers to the next resumptions
    resume_refusals: list[Refusal] = field(default_factory=list)
    #: (frames sent before the connection is lost, how it is lost) of the next streams
    cuts: list[tuple[int, Cut]] = field(default_factory=list)
    is_stock: bool = False
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    loop: asyncio.AbstractEventLoop | None = None
    by_key: dict[str, Run] = field(default_factory=dict)

    # -- for tests

    def reset(self) -> None:
        """Forget everything and end what still runs."""
        tasks = [run.task for run in self.runs.values() if run.task is not None]
        for task in tasks:
            assert self.loop is not None
            self.loop.call_soon_threadsafe(task.cancel)
        vars(self).update(vars(Backend(loop=self.loop)))

    def hold(self, *gates: str) -> None:
        self.gates |= {gate: asyncio.Event() for gate in gates}

    def release(self, *gates: str) -> None:
        assert self.loop is not None
        for gate in gates:
            self.loop.call_soon_threadsafe(self.gates[gate].set)

    def sent(self, kind: str) -> list[Sent]:
        return [request for request in self.requests if request.type == kind]

    def make_thread(self, title: str, *texts: str) -> Thread:
        """A conversation of user messages and replies in turn."""
        thread = Thread(title=title)
        for index, text in enumerate(texts):
            made = thread.assistant_message(text) if index % 2 else thread.user_message(text)
            thread.put(made)
        self.threads[thread.id] = thread
        return thread

    # -- runs

    def start_run(self, thread: Thread, text: str, is_retry: bool = False) -> Run:
        run = Run(thread)
        thread.run = self.runs[run.id] = run
        run.task = asyncio.ensure_future(self._reply(run, text, is_retry))
        return run

    async def _reply(self, run: Run, text: str, is_retry: bool) -> None:
        await run.send({"type": "stream_options", "stream_options": {"allow_cancel": True}})
        try:
            await script_for(text, run, self.wait, is_retry)
        except asyncio.CancelledError:
            pass
        finally:
            await run.close()

    async def wait(self, gate: str) -> None:
        if gate in self.gates:
            await self.gates[gate].wait()

    async def body(self, run: Run, after: int = 0) -> AsyncIterator[str]:
        left, how = self.cuts.pop(0) if self.cuts else (-1, "end")
        for index in range(after, 1_000_000):
            frame = await run.frame(index)
            if frame is None:
                break
            if left == 0:
                yield frame[: len(frame) // 2]
                if how == "abort":
                    raise TornConnection
                if how == "silence":
                    await asyncio.sleep(60)
                return
            left -= 1
            yield frame if not self.is_stock else frame.partition("\n")[2]
        if not self.is_stock:
            yield ": end\n\n"


def create_app(state: Backend) -> FastAPI:
    app = FastAPI()

    @app.middleware("http")
    async def secure(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @app.get("/bare")
    async def bare() -> Response:
        """A page with nothing on it, for tests of the element alone."""
        return Response("<!doctype html><title>bare</title><body>", media_type="text/html")

    @app.get("/api/session")
    async def session() -> Response:
        if not state.is_signed_in:
            return problem(Refusal(401, "There is no session."))
        user = {"user_id": "local", "mode": "local", "assistant": state.assistant}
        return JSONResponse(user)

    @app.get("/api/{user_id}/conversations")
    async def conversations(
        limit: int = 30, after: str | None = None, q: str | None = None
    ) -> Response:
        state.searches += [q] if q is not None else []
        if q is not None and len(q.split()) > 10:
            return problem(Refusal(422, "A search takes at most 10 words."))
        if q == "slow":
            await state.wait("search")
        found = [thread for thread in state.threads.values() if thread.holds(q or "")]
        newest = sorted(found, key=lambda thread: thread.id, reverse=True)
        page, cursor = paged([thread.as_conversation() for thread in newest], limit, after)
        return JSONResponse({"data": page, "has_more": cursor is not None, "after": cursor})

    @app.patch("/api/{user_id}/conversations/{thread_id}")
    async def rename(thread_id: str, request: Request) -> Response:
        state.threads[thread_id].title = (await request.json())["title"]
        return JSONResponse(state.threads[thread_id].as_conversation())

    @app.delete("/api/{user_id}/conversations/{thread_id}")
    async def delete(thread_id: str) -> Response:
        del state.threads[thread_id]
        return Response(status_code=204)

    @app.post("/chatkit")
    async def chatkit(request: Request) -> Response:
        body = await request.json()
        metadata = body.get("metadata", {})
        key = metadata.get("idempotency_key")
        sent = Sent(body["type"], body["params"], dict(request.headers), key, metadata)
        state.requests.append(sent)
        return await answer(state, sent)

    @app.get("/chatkit/runs/{run_id}/stream")
    async def resume(run_id: str, request: Request) -> Response:
        state.requests.append(Sent("resume", {"run_id": run_id}, dict(request.headers)))
        if state.resume_refusals:
            return problem(state.resume_refusals.pop(0))
        last = request.headers.get("Last-Event-ID", f"{run_id}:0")
        return stream(state, state.runs[run_id], after=int(last.rpartition(":")[2]))

    @app.delete("/chatkit/runs/{run_id}")
    async def stop(run_id: str) -> Response:
        state.requests.append(Sent("stop", {"run_id": run_id}, {}))
        task = state.runs[run_id].task
        if task is not None:
            task.cancel()
        return Response(status_code=204)

    app.include_router(page_router())
    return app


async def answer(state: Backend, sent: Sent) -> Response:
    thread = state.threads.get(sent.params.get("thread_id", ""))
    if "thread_id" in sent.params and thread is None:
        return problem(Refusal(404, "There is no such conversation."))
    if sent.type == "items.list":
        assert thread is not None
        return list_items(state, thread, sent.params)
    if state.refusals:
        return problem(state.refusals.pop(0))
    if sent.type in THREAD_OPERATIONS:
        return JSONResponse(THREAD_OPERATIONS[sent.type](state, sent.params))
    if sent.type == "items.feedback":
        assert thread is not None
        rate(thread, sent)
        return JSONResponse({})
    if sent.idempotency_key in state.by_key:
        return stream(state, state.by_key[sent.idempotency_key])
    run = await start(state, thread, sent)
    state.by_key[sent.idempotency_key or new_id("key")] = run
    return stream(state, run)


async def start(state: Backend, thread: Thread | None, sent: Sent) -> Run:
    if sent.type == "threads.retry_after_item":
        assert thread is not None
        message = next(item for item in thread.items if item["id"] == sent.params["item_id"])
        return state.start_run(thread, message["content"][0]["text"], is_retry=True)
    if sent.type == "threads.add_client_tool_output":
        assert thread is not None
        for item in thread.items:
            if item["type"] == "client_tool_call":
                item["status"] = "completed"
        return state.start_run(thread, f"got {json.dumps(sent.params['result'])}")
    if sent.type == "threads.custom_action":
        assert thread is not None
        return state.start_run(thread, sent.params["action"]["type"])
    text = sent.params["input"]["content"][0]["text"]
    created = thread is None
    if thread is None:
        thread = Thread(title=text[:40])
        state.threads[thread.id] = thread
    message = thread.user_message(text)
    run = state.start_run(thread, text)
    if created:
        event = thread.as_metadata() | {"items": {"data": [], "has_more": False}}
        await run.send({"type": "thread.created", "thread": event})
    await run.send({"type": "thread.item.done", "item": message})
    return run


def list_threads(state: Backend, params: dict[str, Any]) -> dict[str, Any]:
    newest = sorted(state.threads.values(), key=lambda thread: thread.id, reverse=True)
    rows = [thread.as_metadata() for thread in newest]
    page, cursor = paged(rows, params["limit"], params.get("after"))
    return {"data": page, "has_more": cursor is not None} | ({"after": cursor} if cursor else {})


def get_thread(state: Backend, params: dict[str, Any]) -> dict[str, Any]:
    return state.threads[params["thread_id"]].as_metadata()


def rename_thread(state: Backend, params: dict[str, Any]) -> dict[str, Any]:
    state.threads[params["thread_id"]].title = params["title"]
    return get_thread(state, params)


def delete_thread(state: Backend, params: dict[str, Any]) -> dict[str, Any]:
    del state.threads[params["thread_id"]]
    return {}


THREAD_OPERATIONS = {
    "threads.list": list_threads,
    "threads.get_by_id": get_thread,
    "threads.update": rename_thread,
    "threads.delete": delete_thread,
}


def rate(thread: Thread, sent: Sent) -> None:
    for item in thread.items:
        if item["id"] in sent.params["item_ids"]:
            item["feedback"] = None if sent.metadata.get("undo") else sent.params["kind"]


def list_items(state: Backend, thread: Thread, params: dict[str, Any]) -> Response:
    assert params["order"] == "desc"
    page, cursor = paged(list(reversed(thread.items)), params["limit"], params.get("after"))
    answer = {"data": page, "has_more": cursor is not None}
    headers = {"Verbatim-Run": thread.run.id} if thread.run and not state.is_stock else {}
    headers |= {"Verbatim-Stale": "true"} if thread.is_stale else {}
    return JSONResponse(answer | ({"after": cursor} if cursor else {}), headers=headers)


def stream(state: Backend, run: Run, after: int = 0) -> Response:
    headers = {"Cache-Control": "no-cache, no-transform"}
    if not state.is_stock:
        headers["Verbatim-Run"] = run.id
    return StreamingResponse(
        state.body(run, after), media_type="text/event-stream", headers=headers
    )


def paged(
    rows: list[dict[str, Any]], limit: int, after: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    ids = [row["id"] for row in rows]
    start = ids.index(after) + 1 if after else 0
    page = rows[start : start + limit]
    return page, page[-1]["id"] if len(rows) > start + limit else None


def problem(refusal: Refusal) -> Response:
    body = {"type": "about:blank", "title": "Refused", "status": refusal.status}
    return Response(
        json.dumps(body | {"detail": refusal.detail}),
        refusal.status,
        refusal.headers,
        "application/problem+json",
    )
