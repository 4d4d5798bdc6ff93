"""Calls that wait for the user's consent: which they are, and how they are asked about."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from agent.model_output import parse_arguments
from commands.errors import Foreign
from commands.handle import CommandHandler
from commands.run import Call
from commands.task import TASK
from events.errors import ContentErased
from events.storable import is_storable
from events.task import stream_of


class Approvals:
    def __init__(self, handler: CommandHandler, tools: frozenset[str]) -> None:
        self._handler = handler
        self._tools = tools

    async def mark(self, owner_id: str, calls: Sequence[Call]) -> list[Call]:
        """The calls, with what is known of those that need approval."""
        return await asyncio.gather(*(self._mark(owner_id, call) for call in calls))

    async def _mark(self, owner_id: str, call: Call) -> Call:
        if call.name not in self._tools:
            return call
        subject = await self._subject(owner_id, call)
        return replace(call, needs_approval=True, subject=subject)

    async def _subject(self, owner_id: str, call: Call) -> str:
        """The title of the task that the arguments name: never what the model says of it."""
        try:
            task_id = parse_arguments(call.arguments).get("task_id")
        except ValueError:
            return ""
        if not isinstance(task_id, str) or not is_storable(task_id):
            return ""
        try:
            _, task = await self._handler.load(TASK, stream_of(task_id), owner_id)
        except (Foreign, ContentErased):
            return ""
        return task.title
