"""The tools of other servers, as the settings name them."""

from __future__ import annotations

from agent.foreign_servers import ForeignServer, ForeignTools
from runtime.settings import Settings


def foreign_tools(settings: Settings) -> list[ForeignTools]:
    return [
        ForeignTools(
            ForeignServer(
                name=server.name,
                url=server.url,
                allowed_tools=frozenset(server.allowed_tools),
                token=server.token.get_secret_value() if server.token else None,
            ),
            timeout_seconds=settings.agent_tool_timeout_seconds,
        )
        for server in settings.foreign_mcp_servers
    ]
