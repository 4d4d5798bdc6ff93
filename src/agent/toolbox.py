"""All the tools a run has: ours, those of other servers, and those of the user's page."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from agent.callers import Caller
from agent.errors import ToolsUnavailable
from agent.foreign_servers import ForeignTools
from agent.tool_server import ToolDefinition, ToolResult, ToolServer


class Toolbox:
    def __init__(
        self,
        own: ToolServer,
        foreign: Sequence[ForeignTools] = (),
        client: Sequence[ToolDefinition] = (),
    ) -> None:
        self._own = own
        self._foreign = foreign
        self._client = {tool.name: tool for tool in client}

    @property
    def client_names(self) -> frozenset[str]:
        """Of tools that the user's page carries out; one of ours of the same name is not used."""
        return frozenset(self._client)

    def is_foreign(self, name: str) -> bool:
        """Whether a call may take effect each time it is made."""
        return self._find(name) is not None

    async def tools(self, caller: Caller) -> list[ToolDefinition]:
        """Raises ToolsUnavailable where our own are."""
        own, *others = await asyncio.gather(
            self._own.tools(caller), *(server.tools() for server in self._foreign)
        )
        found = {tool.name: tool for tools in reversed([own, *others]) for tool in tools}
        return list((found | self._client).values())

    async def call(self, caller: Caller, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Raises ToolsUnavailable or OutcomeUnknown when nobody knows what became of the call.

        Our own server is asked once more when it is silent: under the same call id an effect is
        stored once. Another is not.
        """
        foreign = self._find(name)
        if foreign is not None:
            return await foreign.call(name, arguments)
        try:
            return await self._own.call(caller, name, arguments)
        except ToolsUnavailable:
            return await self._own.call(caller, name, arguments)

    def _find(self, name: str) -> ForeignTools | None:
        return next((server for server in self._foreign if server.has(name)), None)
