"""A stock MCP server of somebody else, as a process: python -m tests.foreign_server PORT FILE FORM.

Its effects are lines in the file; `hold` acts and then keeps its answer until FILE.go is there.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from tests.ports import free_port

START_SECONDS = 30.0
HOLD_SECONDS = 40.0


def build(effects: Path) -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer("others", log_level="ERROR", subscriptions=False)

    def act(text: str) -> None:
        with effects.open("a") as file:
            file.write(f"{text}\n")

    @server.tool(structured_output=False)
    async def note(text: str) -> str:
        """Write a note."""
        act(text)
        return f"noted {text}"

    @server.tool(structured_output=False)
    async def hold(text: str) -> str:
        """Write a note, and say so late."""
        act(text)
        for _ in range(int(HOLD_SECONDS / 0.05)):
            if effects.with_suffix(".go").exists():
                break
            await asyncio.sleep(0.05)
        return f"noted {text} at last"

    @server.tool(structured_output=False)
    async def big(size: int) -> str:
        """Answer at length."""
        act("big")
        return "x" * size

    @server.tool(structured_output=False)
    async def fail() -> str:
        """Fail."""
        raise ToolError("no such luck")

    @server.tool(structured_output=False)
    async def heard(ctx: Context[Any, Any]) -> str:
        """Repeat what the caller said beside the arguments."""
        headers = {k: v for k, v in (ctx.headers or {}).items() if k in ("authorization", "cookie")}
        return f"{sorted(headers.items())} {ctx.request_context.meta}"

    @server.tool(structured_output=False)
    async def forbidden() -> str:
        """What nobody allowed."""
        act("forbidden")
        return "done"

    return server


class Foreign:
    def __init__(self, effects: Path, form: str) -> None:
        self.form = form
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self.effects = effects
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.foreign_server",
            str(self.port),
            str(self.effects),
            self.form,
        )
        async with asyncio.timeout(START_SECONDS):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    return

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    def lines(self) -> list[str]:
        return self.effects.read_text().split() if self.effects.exists() else []

    def let_go(self) -> None:
        self.effects.with_suffix(".go").touch()

    async def until_acted(self, count: int = 1) -> None:
        async with asyncio.timeout(20):
            while len(self.lines()) < count:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def foreign_server(folder: Path, form: str = "sse") -> AsyncIterator[Foreign]:
    """`form`: how it answers, sse or json."""
    foreign = Foreign(folder / "effects.txt", form)
    await foreign.start()
    try:
        yield foreign
    finally:
        await foreign.kill()


def main() -> None:
    port, effects = int(sys.argv[1]), Path(sys.argv[2])
    app = build(effects).streamable_http_app(
        json_response=sys.argv[3] == "json", stateless_http=True
    )
    uvicorn.run(app, port=port, log_level="critical", ws="none")


if __name__ == "__main__":
    main()
