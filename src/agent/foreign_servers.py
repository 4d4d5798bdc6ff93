"""MCP servers of others: their tools beside ours, each only if the setting allows it.

They are told nothing about the user and get none of our tokens. They know no call id, so a call
that was sent and not answered may have taken effect: it is never sent again.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import orjson
import structlog
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import Tool

from agent.capped_answers import CappedTransport
from agent.errors import OutcomeUnknown
from agent.tool_server import LISTED_SECONDS, REFUSALS, ToolDefinition, ToolResult, text_of

log = structlog.get_logger()

#: Between a server's name and its tool's; no server's name has it.
SEPARATOR = "__"
#: What models take as a function's name.
_FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
LIST_SECONDS = 5.0
#: How long a server that did not list its tools is left alone.
UNLISTED_SECONDS = 30.0
LISTED_PAGES = 10
ANSWER_BYTES = 1024 * 1024
DESCRIPTION_CHARACTERS = 2_000
SCHEMA_BYTES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignServer:
    name: str
    url: str
    allowed_tools: frozenset[str]
    #: The server's own bearer token, where it wants one; hidden in repr.
    token: str | None = field(default=None, repr=False)


class ForeignTools:
    """The allowed tools of one server."""

    def __init__(self, server: ForeignServer, *, timeout_seconds: float) -> None:
        self._server = server
        self._timeout_seconds = timeout_seconds
        self._prefix = server.name + SEPARATOR
        self._tools: tuple[float, list[ToolDefinition]] = (float("-inf"), [])

    def has(self, name: str) -> bool:
        return name.startswith(self._prefix)

    async def tools(self) -> list[ToolDefinition]:
        """Empty while the server does not answer: the others' tools are there nonetheless."""
        if self._tools[0] < time.monotonic():
            try:
                async with asyncio.timeout(LIST_SECONDS), self._client() as client:
                    listed = await _list_tools(client)
                found, seconds = self._defined(listed), LISTED_SECONDS
            except Exception as error:
                self._log("foreign_tools_not_listed", error)
                found, seconds = [], UNLISTED_SECONDS
            self._tools = (time.monotonic() + seconds, found)
        return self._tools[1]

    async def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Raises OutcomeUnknown once the call was sent and its answer did not come whole."""
        tool = name.removeprefix(self._prefix)
        if tool not in self._server.allowed_tools:
            return ToolResult(f"There is no tool called {name}.", is_error=True)
        is_sent, result = False, None
        try:
            async with asyncio.timeout(self._timeout_seconds), self._client() as client:
                is_sent = True
                answer = await client.call_tool(tool, arguments)
                result = ToolResult(text_of(answer), is_error=bool(answer.is_error))
        except Exception as error:
            return result or self._failure(error, is_sent)
        return result

    def _failure(self, error: Exception, is_sent: bool) -> ToolResult:
        self._log("foreign_tool_failed", error)
        if not is_sent:
            said = f"The tool server {self._server.name} does not answer; nothing was done."
            return ToolResult(said, is_error=True)
        if isinstance(error, MCPError) and error.code in REFUSALS:
            return ToolResult(error.message, is_error=True)
        raise OutcomeUnknown(
            f"The tool server {self._server.name} did not answer. Whether the call took effect is "
            "unknown: look before trying again."
        ) from error

    def _defined(self, listed: list[Tool]) -> list[ToolDefinition]:
        allowed = [tool for tool in listed if tool.name in self._server.allowed_tools]
        usable = {tool.name: self._definition(tool) for tool in allowed if self._is_usable(tool)}
        for name in self._server.allowed_tools - usable.keys():
            log.warning("foreign_tool_left_out", server=self._server.name, tool=name)
        return list(usable.values())

    def _is_usable(self, tool: Tool) -> bool:
        is_named = _FUNCTION_NAME.fullmatch(self._prefix + tool.name) is not None
        return is_named and len(orjson.dumps(tool.input_schema)) <= SCHEMA_BYTES

    def _definition(self, tool: Tool) -> ToolDefinition:
        description = (tool.description or "")[:DESCRIPTION_CHARACTERS]
        return ToolDefinition(self._prefix + tool.name, description, dict(tool.input_schema))

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[Client]:
        token = self._server.token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = CappedTransport(ANSWER_BYTES)
        async with (
            httpx2.AsyncClient(
                headers={**headers, "Accept-Encoding": "identity"},
                transport=transport,
                timeout=self._timeout_seconds,
                trust_env=False,
            ) as http,
            Client(
                streamable_http_client(
                    self._server.url, http_client=http, max_sse_event_size=ANSWER_BYTES
                ),
                cache=None,
            ) as client,
        ):
            yield client

    def _log(self, event: str, error: Exception) -> None:
        log.warning(event, server=self._server.name, error=type(error).__name__)


async def _list_tools(client: Client) -> list[Tool]:
    found: list[Tool] = []
    cursor: str | None = None
    for _ in range(LISTED_PAGES):
        page = await client.list_tools(cursor=cursor)
        found += page.tools
        cursor = page.next_cursor
        if cursor is None:
            break
    return found
