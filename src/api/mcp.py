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
    route = Route(PATH, GuardedTools(node.gate, manager), methods=["POST"], include_in_schema=False)
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

    def __init__(self, gate: Gate, manager: StreamableHTTPSessionManager) -> None:
        self._gate = gate
        self._manager = manager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises InvalidToken or KeysUnavailable."""
        bearer = bearer_token(Headers(scope=scope).get("authorization"))
        await self._gate.authenticate(bearer, None, accept=ACCEPTED)
        await self._manager.handle_request(scope, receive, send)
