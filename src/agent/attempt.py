"""One attempt at a run: settle what an earlier one left open, then let the SDK's Runner work."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from agents import Agent, FunctionTool, Model, ModelSettings, RunConfig, Runner, Tool
from agents.exceptions import MaxTurnsExceeded, ModelBehaviorError
from agents.tool_context import ToolContext

from agent.call_execution import CallExecution
from agent.callers import Caller
from agent.claims import Claim
from agent.context import context_hash
from agent.context_loader import load_context
from agent.errors import (
    AgentError,
    RunStopped,
    RunTimeout,
    TurnLimitReached,
    explain_model_error,
)
from agent.model_output import acceptable_input
from agent.open_work import OpenCall, OpenWork, find_open_work
from agent.recorded_model import RecordedModel
from agent.recorder import RunRecorder
from agent.summaries import Summaries
from agent.tool_choice import settings_for
from agent.tool_server import ToolDefinition, ToolResult
from agent.toolbox import Toolbox
from events.store import EventStore

log = structlog.get_logger()

INSTRUCTIONS = (
    "You are a friendly assistant that keeps the user's to-do list with the tools you are given. "
    "Say what you did in a sentence or two. Never claim an effect that no tool confirmed. "
    "Look tasks up with list_tasks before you change one whose id you do not know."
)
#: The outcome of an attempt that left the next step to the user.
WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    turns: int
    run_seconds: float
    context_messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What every run of a node works with."""

    store: EventStore
    tools: Toolbox
    model: Model
    model_name: str
    model_settings: ModelSettings
    limits: RunLimits
    #: Tools whose calls wait until the user approves them.
    approval_tools: frozenset[str] = frozenset()
    is_tracing: bool = False
    #: None where contexts begin without one.
    summaries: Summaries | None = None
    #: Other models that a message may ask for, by name.
    other_models: Mapping[str, Model] = field(default_factory=dict)

    def chosen(self, name: str | None) -> tuple[str, Model]:
        """Where it is no longer offered, the one that answers without a choice."""
        other = self.other_models.get(name or "")
        return (self.model_name, self.model) if name is None or other is None else (name, other)


class Attempt:
    def __init__(
        self,
        equipment: Equipment,
        claim: Claim,
        recorder: RunRecorder,
        open_work: OpenWork,
        stopped: asyncio.Event,
    ) -> None:
        self._open_work = open_work
        self._equipment = equipment
        self._claim = claim
        self._recorder = recorder
        self._stopped = stopped
        self._calls = CallExecution(equipment.tools, recorder, self._caller, stopped)

    async def run(self) -> str:
        """Works until the run has ended or waits for the user; answers its outcome."""
        try:
            async with asyncio.timeout(self._equipment.limits.run_seconds):
                is_whole = await self._work()
        except TimeoutError:
            return await self._fail(RunTimeout("The reply took too long.", retryable=True))
        except RunStopped:
            return await self._recorder.cancel()
        except AgentError as error:
            return await self._fail(error)
        if not is_whole:
            return WAITING
        await self._recorder.complete()
        return "completed"

    async def _work(self) -> bool:
        """False when the run has paused: what comes next is for the user to decide."""
        if not await self._settle(self._open_work.calls):
            return False
        if self._is_answered:
            return True
        tools = await self._tools()
        turns = self._equipment.limits.turns - self._open_work.responses
        while turns > 0:
            self._check_stopped()
            responses = self._recorder.usage.requests
            try:
                await self._run_sdk(tools, turns)
                asked = [call for call in self._recorder.calls if call.approval]
                if not asked:
                    return True
            except ModelBehaviorError as error:
                if not self._recorder.calls:
                    raise explain_model_error(error) from error
                asked = await self._refuse_unknown_calls()
            if not await self._settle(asked):
                return False
            if self._is_answered:
                return True
            turns -= max(1, self._recorder.usage.requests - responses)
        raise TurnLimitReached("The reply took more steps than allowed.")

    @property
    def _is_answered(self) -> bool:
        """Nothing is left to ask the model for."""
        return self._open_work.is_answered or self._calls.has_handed_over

    async def _run_sdk(self, tools: list[Tool], turns: int) -> None:
        equipment = self._equipment
        context = await load_context(
            equipment.store,
            self._claim.conversation_id,
            self._recorder.run_id,
            equipment.limits.context_messages,
            summary=await equipment.summaries.newest(self._claim) if equipment.summaries else None,
        )
        digest = context_hash(self._recorder.frames.key, context)
        model_name, model = equipment.chosen(context.inference.model)
        model_settings = settings_for(context.inference, equipment.model_settings, tools)
        await self._recorder.start(model_name, context, digest)
        agent = Agent(
            name="Verbatim",
            instructions=INSTRUCTIONS,
            model=RecordedModel(model, self._recorder, self._stopped, model_name),
            model_settings=model_settings,
            tools=tools,
            tool_use_behavior={"stop_at_tool_names": sorted(equipment.tools.client_names)},
        )
        config = RunConfig(
            tracing_disabled=not equipment.is_tracing, call_model_input_filter=acceptable_input
        )
        try:
            items: Any = list(context.items)
            result = Runner.run_streamed(agent, items, max_turns=turns, run_config=config)
            async for _ in result.stream_events():
                pass
        except (AgentError, ModelBehaviorError):
            self._check_stopped()
            raise
        except MaxTurnsExceeded as error:
            self._check_stopped()
            raise TurnLimitReached("The reply took more steps than allowed.") from error
        except Exception as error:
            self._check_stopped()
            raise explain_model_error(error) from error

    async def _tools(self) -> list[Tool]:
        definitions = await self._equipment.tools.tools(self._caller(None))
        return [self._function_tool(definition) for definition in definitions]

    def _function_tool(self, definition: ToolDefinition) -> FunctionTool:
        async def invoke(context: ToolContext[Any], arguments: str) -> str:
            call = self._recorder.call_of(context.tool_call_id)
            if call is None:
                raise RunStopped("The run has moved on.")
            return await self._calls.carry_out(call)

        return FunctionTool(
            name=definition.name,
            description=definition.description,
            params_json_schema=definition.parameters,
            on_invoke_tool=invoke,
            strict_json_schema=False,
            needs_approval=definition.name in self._equipment.approval_tools,
        )

    async def _settle(self, calls: Sequence[OpenCall]) -> bool:
        """Until the recorded calls have results; False when the run has paused for some of them.

        A call runs again under the same call id.
        """
        while calls:
            asked = [call for call in calls if call.approval == "requested"]
            for call in calls:
                if not call.is_begun:
                    self._check_stopped()
                if call not in asked:
                    await self._calls.carry_out(call)
            if not asked:
                return True
            if await self._recorder.pause():
                return False
            calls = await self._decided(asked)
        return True

    async def _decided(self, asked: Sequence[OpenCall]) -> Sequence[OpenCall]:
        """The calls that are open after the user decided while the run was at work."""
        conversation_id, run_id = self._claim.conversation_id, self._recorder.run_id
        work = await find_open_work(self._equipment.store, conversation_id, run_id)
        self._recorder.shown_calls.decide(asked, work)
        return work.calls

    async def _refuse_unknown_calls(self) -> list[OpenCall]:
        """The model called a tool that does not exist: it is told so, and may try again.

        Answers the calls that wait for approval.
        """
        known = {d.name for d in await self._equipment.tools.tools(self._caller(None))}
        asked = []
        for call in self._recorder.calls:
            if call.name not in known:
                refusal = ToolResult(f"There is no tool called {call.name}.", is_error=True)
                await self._recorder.finish_tool(call, refusal)
            elif call.approval:
                asked.append(call)
            else:
                await self._calls.carry_out(call)
        return asked

    async def _fail(self, error: AgentError) -> str:
        log.info("run_failed", run_id=self._recorder.run_id, error=type(error).__name__)
        await self._recorder.fail(error)
        return "failed"

    def _caller(self, call_id: str | None) -> Caller:
        return Caller(self._claim.owner_id, self._recorder.run_id, call_id)

    def _check_stopped(self) -> None:
        if self._stopped.is_set():
            raise RunStopped("The run was stopped.")
