"""The program in docs/sessions.md does what it says."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from events import link
from tests.e2e.serving.server import environment
from tests.integration.cli.command_line import on_database
from tests.log_node import log_node
from tests.wire import ResponsesServer, Text

DOCUMENT = Path(__file__).parents[3] / "docs" / "sessions.md"


def example() -> str:
    (program,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert isinstance(program, str)
    return program


async def test_example_runs_as_it_stands(database_url: str) -> None:
    async with ResponsesServer([Text("Hello Ada."), Text("You are Ada.")]) as host:
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", example(), "ada"),
            env=environment(
                {
                    **on_database(database_url).env,
                    "OPENAI_API_KEY": "key",
                    "OPENAI_BASE_URL": host.base_url,
                }
            ),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            out, err = await program.communicate()
        assert program.returncode == 0, err.decode()
        first, second = out.decode().splitlines()
        conversation_id, _, said = first.partition(" ")
        assert said == "You are Ada."
        assert second == "4 items at OpenAI"
        (kept,) = host.conversations.kept.values()
        assert kept.metadata == {"verbatim_conversation_id": conversation_id}
    async with log_node(database_url, size=2) as log:
        (opened,) = await log.store.read_stream(link.stream_of(conversation_id))
        assert opened.event == link.Opened(provider="openai", foreign_id="conv_1")
