"""The task tools at /mcp: stateless streamable HTTP, for users' programs and for agents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.request_limit import RequestLimit
from auth.gate import Gate, bearer_token
from auth.principal import Scope as TokenScope
from runtime.node import Node

PATH = "/mcp"
ACCEPTED: frozenset[TokenScope] = frozenset({"user", "agent"})
#: Host and origin are checked by our own middleware, for every route alike.
_CHECKED_BEFORE = TransportSecuritySettings(enable_dns_rebinding_protection=False)


@asynccontextmanager
async def mount(app: FastAPI, node: Node) -> AsyncIterator[None]:
    """Serves the node's task tools for as long as the context is open."""
    node.task_server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        json_response=True,
        transport_security=_CHECKED_BEFORE,
    )
    manager = node.task_server.session_manager
    limit = RequestLimit(node.settings.verbatim_request_limit)
    tools = GuardedTools(node.gate, manager, limit)
    route = Route(PATH, tools, methods=["POST"], include_in_schema=False)
    # Before everything else, so that no page route can take its place.
    app.router.routes.insert(0, route)
    try:
        async with manager.run():
            yield
    finally:
        app.router.routes.remove(route)


class GuardedTools:
    """Lets only requests with a good bearer token through; a cookie is not enough.

    The tools look at the same token to find out whom they act for.
    """

    def __init__(
        self, gate: Gate, manager: StreamableHTTPSessionManager, limit: RequestLimit
    ) -> None:
        self._gate = gate
        self._manager = manager
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises InvalidToken, KeysUnavailable or LimitReached."""
        bearer = bearer_token(Headers(scope=scope).get("authorization"))
        caller = await self._gate.authenticate(bearer, None, accept=ACCEPTED)
        # A run's calls are limited by its turns.
        if caller.scope == "user":
            self._limit.admit(caller.user_id)
        await self._manager.handle_request(scope, receive, send)
