"""Models that say what a test tells them, over the wire, and what a run has come to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from agents import Model

from agent.models import ModelConfig, build_model
from tests.wire import ResponsesServer


def topics(events: list[Any]) -> list[str]:
    return [event.topic.removeprefix("conversation.") for event in events]


@asynccontextmanager
async def wire_model(*turns: Any) -> AsyncIterator[Model]:
    """The real OpenAI client against a local server that plays the turns."""
    async with ResponsesServer(list(turns)) as wire:
        model = build_model(
            ModelConfig(
                api_key="k",
                base_url=wire.base_url,
                model="wire",
                api="responses",
                timeout_seconds=20,
            )
        )
        try:
            yield model
        finally:
            await model.close()


async def text_begun(node: Any, sent: Any) -> None:
    async with asyncio.timeout(10):
        async for chunk in node.reader.follow(sent.run_id, "ada"):
            if any(b"text_delta" in frame.body for frame in chunk):
                return
