"""Where the agent's tools are: the MCP server in this process, or one at MCP_SERVER_URL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import structlog
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer
from mcp.shared.exceptions import MCPError
from mcp_types import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    CallToolResult,
    TextContent,
)

from agent.callers import META_CALL_ID, META_RUN_ID, META_TOKEN, Caller, MintToken
from agent.errors import ToolsUnavailable

log = structlog.get_logger()

#: How long a list of tools is used before it is asked for again.
LISTED_SECONDS = 300.0
#: With these a server says that it carried nothing out; the others also tell of a lost connection.
REFUSALS = frozenset({INVALID_PARAMS, METHOD_NOT_FOUND, HEADER_MISMATCH})


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    name: str
    description: str
    #: JSON Schema of the arguments.
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResult:
    text: str
    is_error: bool


class ToolServer:
    """The task tools over MCP. With a URL over HTTP, else in process; the same calls either way."""

    def __init__(
        self,
        server: MCPServer[Any] | str,
        mint_token: MintToken,
        *,
        timeout_seconds: float,
    ) -> None:
        self._server = server
        self._mint_token = mint_token
        self._timeout_seconds = timeout_seconds
        self._tools: tuple[float, list[ToolDefinition]] | None = None

    async def tools(self, caller: Caller) -> list[ToolDefinition]:
        """Raises ToolsUnavailable."""
        if self._tools is None or self._tools[0] < time.monotonic():
            try:
                async with asyncio.timeout(self._timeout_seconds), self._client(caller) as client:
                    listed = await client.list_tools()
            except Exception as error:
                raise self._unavailable(error) from error
            tools = [
                ToolDefinition(tool.name, tool.description or "", dict(tool.input_schema))
                for tool in listed.tools
            ]
            self._tools = (time.monotonic() + LISTED_SECONDS, tools)
        return self._tools[1]

    async def call(self, caller: Caller, name: str, arguments: dict[str, Any]) -> ToolResult:
        """The tool's answer; its own failures are results, a silent server is ToolsUnavailable.

        Asking again under the same call id is safe: the effect is stored once.
        """
        try:
            async with asyncio.timeout(self._timeout_seconds), self._client(caller) as client:
                result = await client.call_tool(name, arguments, meta=self._meta(caller))
        except MCPError as error:
            if error.code not in REFUSALS:
                raise self._unavailable(error) from error
            return ToolResult(error.message, is_error=True)
        except Exception as error:
            raise self._unavailable(error) from error
        return ToolResult(text_of(result), is_error=bool(result.is_error))

    @asynccontextmanager
    async def _client(self, caller: Caller) -> AsyncIterator[Client]:
        if not isinstance(self._server, str):
            async with Client(self._server, cache=None) as client:
                yield client
            return
        headers = {"Authorization": f"Bearer {self._token(caller)}"}
        async with (
            httpx2.AsyncClient(
                headers=headers, timeout=self._timeout_seconds, trust_env=False
            ) as http,
            Client(streamable_http_client(self._server, http_client=http), cache=None) as client,
        ):
            yield client

    def _meta(self, caller: Caller) -> Any:
        meta = {META_RUN_ID: caller.run_id, META_CALL_ID: caller.call_id}
        if not isinstance(self._server, str):
            meta[META_TOKEN] = self._token(caller)
        return meta

    def _token(self, caller: Caller) -> str:
        # Listing the tools is no call; its token names the run in both places.
        run_id = caller.run_id or ""
        return self._mint_token(caller.user_id, run_id, caller.call_id or run_id)

    def _unavailable(self, error: BaseException) -> ToolsUnavailable:
        log.warning("tool_server_failed", error=type(error).__name__)
        return ToolsUnavailable("The tool server does not answer.", retryable=True)


def text_of(result: CallToolResult) -> str:
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))
