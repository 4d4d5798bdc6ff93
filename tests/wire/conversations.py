"""The Conversations API: conversations and their items, in memory."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

MOST_ITEMS = 20


@dataclass
class Kept:
    metadata: dict[str, str]
    items: list[dict[str, Any]] = field(default_factory=list)


class Conversations:
    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        #: Ids of those that were deleted, in that order.
        self.deleted: list[str] = []
        #: How many of the next deletions fail.
        self.failing_deletions = 0
        #: Called between a conversation's creation and the answer to it.
        self.on_create: Callable[[], object] = lambda: None
        self._numbers = itertools.count(1)

    def routes(self) -> list[Route]:
        one = "/v1/conversations/{conversation_id}"
        return [
            Route("/v1/conversations", self._create, methods=["POST"]),
            Route(one, self._retrieve, methods=["GET"]),
            Route(one, self._delete, methods=["DELETE"]),
            Route(f"{one}/items", self._add, methods=["POST"]),
            Route(f"{one}/items", self._list, methods=["GET"]),
            Route(f"{one}/items/{{item_id}}", self._remove, methods=["DELETE"]),
        ]

    async def _create(self, request: Request) -> JSONResponse:
        body = await request.json()
        conversation_id = f"conv_{next(self._numbers)}"
        self.kept[conversation_id] = Kept(body.get("metadata") or {})
        self._keep(conversation_id, body.get("items") or [])
        self.on_create()
        return JSONResponse(self._shown(conversation_id))

    async def _retrieve(self, request: Request) -> JSONResponse:
        conversation_id = request.path_params["conversation_id"]
        if conversation_id not in self.kept:
            return _not_found(conversation_id)
        return JSONResponse(self._shown(conversation_id))

    async def _delete(self, request: Request) -> JSONResponse:
        conversation_id = request.path_params["conversation_id"]
        if self.failing_deletions:
            self.failing_deletions -= 1
            return _error(400, "The host says no.")
        if self.kept.pop(conversation_id, None) is None:
            return _not_found(conversation_id)
        self.deleted.append(conversation_id)
        deleted = {"id": conversation_id, "deleted": True, "object": "conversation.deleted"}
        return JSONResponse(deleted)

    async def _add(self, request: Request) -> JSONResponse:
        conversation_id = request.path_params["conversation_id"]
        items = (await request.json())["items"]
        if conversation_id not in self.kept:
            return _not_found(conversation_id)
        if len(items) > MOST_ITEMS:
            return _error(400, f"At most {MOST_ITEMS} items.")
        return JSONResponse(_page(self._keep(conversation_id, items), has_more=False))

    async def _list(self, request: Request) -> JSONResponse:
        conversation_id = request.path_params["conversation_id"]
        if conversation_id not in self.kept:
            return _not_found(conversation_id)
        items = list(self.kept[conversation_id].items)
        if request.query_params.get("order", "desc") == "desc":
            items.reverse()
        ids = [item["id"] for item in items]
        after = request.query_params.get("after")
        items = items[ids.index(after) + 1 :] if after else items
        limit = int(request.query_params.get("limit", MOST_ITEMS))
        return JSONResponse(_page(items[:limit], has_more=len(items) > limit))

    async def _remove(self, request: Request) -> JSONResponse:
        conversation_id = request.path_params["conversation_id"]
        if conversation_id not in self.kept:
            return _not_found(conversation_id)
        kept = self.kept[conversation_id]
        kept.items = [i for i in kept.items if i["id"] != request.path_params["item_id"]]
        return JSONResponse(self._shown(conversation_id))

    def _keep(self, conversation_id: str, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        added = [self._as_kept(item) for item in items]
        self.kept[conversation_id].items += added
        return added

    def _as_kept(self, item: dict[str, Any]) -> dict[str, Any]:
        kept = {"type": "message", "id": f"item_{next(self._numbers)}", **item}
        if kept["type"] == "message":
            kept.setdefault("status", "completed")
            if isinstance(kept["content"], str):
                kind = "output_text" if kept["role"] == "assistant" else "input_text"
                kept["content"] = [{"type": kind, "text": kept["content"]}]
        return kept

    def _shown(self, conversation_id: str) -> dict[str, Any]:
        return {
            "id": conversation_id,
            "object": "conversation",
            "created_at": int(time.time()),
            "metadata": self.kept[conversation_id].metadata,
        }


def _page(items: list[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    return {
        "object": "list",
        "data": items,
        "first_id": items[0]["id"] if items else "",
        "last_id": items[-1]["id"] if items else "",
        "has_more": has_more,
    }


def _not_found(conversation_id: str) -> JSONResponse:
    return _error(404, f"Conversation with id '{conversation_id}' not found.")


def _error(status: int, message: str) -> JSONResponse:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": error}, status_code=status)
