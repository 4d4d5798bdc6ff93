"""Carries out one recorded tool call after the other, and records what came of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from agent.callers import Caller
from agent.client_tools import HANDED_OVER, ONE_AT_A_TIME, call_item
from agent.errors import OutcomeUnknown, ToolsUnavailable
from agent.model_output import parse_arguments
from agent.open_work import OpenCall
from agent.recorder import RunRecorder
from agent.tool_server import ToolResult
from agent.toolbox import Toolbox
from commands.errors import Rejected

UNKNOWN_OUTCOME = (
    "The tool did not answer in time. Whether it took effect is unknown: look before trying again."
)
LOST_OUTCOME = (
    "The server stopped while this call was being carried out. Whether it took effect is unknown: "
    "look before trying again."
)
STOPPED_OUTCOME = (
    "The reply was stopped before the tool answered. Whether it took effect is unknown."
)
NOT_BEGUN = "The reply was stopped before this call was carried out."
#: How long a running tool may take to finish once its run was stopped.
STOP_SECONDS = 5.0


class CallExecution:
    def __init__(
        self,
        tools: Toolbox,
        recorder: RunRecorder,
        caller: Callable[[str], Caller],
        stopped: asyncio.Event,
    ) -> None:
        self._tools = tools
        self._recorder = recorder
        self._caller = caller
        self._stopped = stopped
        #: What the model would be told next is for the user's page to say.
        self.has_handed_over = False

    async def carry_out(self, call: OpenCall) -> str:
        """Runs a recorded call and records its result; a stop gives it a few seconds more.

        Answers the text for the model, which a stopped run never asks again: a call that raised
        would take its siblings' last seconds away.
        """
        if self._stopped.is_set() and not call.is_begun:
            refusal = ToolResult(NOT_BEGUN, is_error=True)
            return await self._recorder.finish_tool(call, refusal)
        work = asyncio.create_task(self._call(call))
        stop = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait((work, stop), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await asyncio.wait((work,), timeout=STOP_SECONDS)
            return work.result() if work.done() else await self._leave(call, work)
        finally:
            stop.cancel()
            if not work.done():
                work.cancel()

    async def _leave(self, call: OpenCall, work: asyncio.Task[str]) -> str:
        """A stopped run waits for the call no longer."""
        work.cancel()
        await asyncio.wait((work,))
        try:
            return await self._recorder.lose_tool(call, STOPPED_OUTCOME)
        except Rejected:
            return STOPPED_OUTCOME  # its result was on its way to the log

    async def _call(self, call: OpenCall) -> str:
        if call.is_begun:
            return await self._recorder.lose_tool(call, LOST_OUTCOME)
        try:
            arguments = parse_arguments(call.arguments)
        except ValueError:
            refusal = ToolResult("The arguments are no valid JSON object.", is_error=True)
            return await self._recorder.finish_tool(call, refusal)
        if call.name in self._tools.client_names:
            return await self._hand_over(call, arguments)
        try:
            result = await self._ask(call, arguments)
        except OutcomeUnknown as error:
            return await self._recorder.lose_tool(call, error.message)
        except ToolsUnavailable:
            return await self._recorder.lose_tool(call, UNKNOWN_OUTCOME)
        return await self._recorder.finish_tool(call, result)

    async def _hand_over(self, call: OpenCall, arguments: dict[str, Any]) -> str:
        if self.has_handed_over:
            return await self._recorder.finish_tool(call, ToolResult(ONE_AT_A_TIME, is_error=True))
        self.has_handed_over = True
        item = call_item(self._recorder.claim.conversation_id, call, arguments)
        return await self._recorder.finish_tool(call, ToolResult(HANDED_OVER, is_error=False), item)

    async def _ask(self, call: OpenCall, arguments: dict[str, Any]) -> ToolResult:
        if self._tools.is_foreign(call.name):
            await self._recorder.begin_tool(call)
        return await self._tools.call(self._caller(call.call_id), call.name, arguments)
