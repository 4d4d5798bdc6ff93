"""The stock pipeline in a process of its own: ChatKit's server over a store in memory, the Agents
SDK, nothing kept (`python -m benchmarks.stock_chatkit`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

from agents import Agent, RunConfig, Runner
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError, Store
from chatkit.types import (
    Attachment,
    Page,
    ThreadItem,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from starlette.responses import Response

from agent.models import disable_tracing
from benchmarks.paced_model import PacedModel
from benchmarks.processes import Served, process_of, serve

LAST_ITEMS = 15


def stock() -> AbstractAsyncContextManager[Served]:
    return process_of("benchmarks.stock_chatkit")


class MemoryStore(Store[None]):
    def __init__(self) -> None:
        self._threads: dict[str, ThreadMetadata] = {}
        self._items: dict[str, dict[str, ThreadItem]] = {}

    async def load_thread(self, thread_id: str, context: None) -> ThreadMetadata:
        if thread_id not in self._threads:
            raise NotFoundError(thread_id)
        return self._threads[thread_id]

    async def save_thread(self, thread: ThreadMetadata, context: None) -> None:
        self._threads[thread.id] = thread
        self._items.setdefault(thread.id, {})

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: None
    ) -> Page[ThreadItem]:
        items = list(self._items[thread_id].values())
        page = items[-limit:][::-1] if order == "desc" else items[:limit]
        return Page(data=page, has_more=len(items) > limit)

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: None
    ) -> Page[ThreadMetadata]:
        return Page(data=list(self._threads.values())[:limit])

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: None) -> None:
        self._items[thread_id][item.id] = item

    async def save_item(self, thread_id: str, item: ThreadItem, context: None) -> None:
        self._items[thread_id][item.id] = item

    async def load_item(self, thread_id: str, item_id: str, context: None) -> ThreadItem:
        return self._items[thread_id][item_id]

    async def delete_thread(self, thread_id: str, context: None) -> None:
        del self._threads[thread_id], self._items[thread_id]

    async def delete_thread_item(self, thread_id: str, item_id: str, context: None) -> None:
        del self._items[thread_id][item_id]

    async def save_attachment(self, attachment: Attachment, context: None) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: None) -> Attachment:
        raise NotImplementedError

    async def delete_attachment(self, attachment_id: str, context: None) -> None:
        raise NotImplementedError


class StockChatKit(ChatKitServer[None]):
    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self._agent: Agent[Any] = Agent(name="stock", model=PacedModel())

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: None
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(thread.id, None, LAST_ITEMS, "desc", context)
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(
            self._agent,
            await simple_to_agent_input(page.data[::-1]),
            context=agent_context,
            run_config=RunConfig(tracing_disabled=True),
        )
        async for event in stream_agent_response(agent_context, result):
            yield event


def main() -> None:
    disable_tracing()
    server = StockChatKit()
    app = FastAPI()

    @app.post("/chatkit")
    async def chatkit(request: Request) -> Response:
        result = await server.process(await request.body(), None)
        if isinstance(result, StreamingResult):
            return StreamingResponse(result, media_type="text/event-stream")
        return Response(result.json, media_type="application/json")

    serve(app)


if __name__ == "__main__":
    main()
