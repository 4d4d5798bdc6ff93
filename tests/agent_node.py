"""A node's share of the runs for tests: a log node, the task tools, a supervisor, a sender."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from agents import Model, ModelSettings

from agent.allowances import Limits
from agent.approving import Approver, Decision
from agent.attempt import Equipment, RunLimits
from agent.callers import META_CALL_ID, META_RUN_ID, META_TOKEN, Caller
from agent.foreign_servers import ForeignTools
from agent.frame_reader import FrameReader
from agent.frame_writer import FrameWriter
from agent.frames import Frame
from agent.leases import Leases
from agent.live import LiveRuns
from agent.recorder import RunRecorder
from agent.sending import Message, Sender
from agent.stopper import Stopper
from agent.summaries import Summaries, Write
from agent.supervisor import Supervisor
from agent.task_tools import TaskTools, build_task_server
from agent.titles import Titler
from agent.tool_server import ToolDefinition, ToolServer
from agent.toolbox import Toolbox
from commands.handle import CommandHandler
from commands.task import TASK
from events.conversation import stream_of
from events.event import Event
from events.ids import new_id
from tests.log_node import LogNode, log_node


@dataclass(frozen=True)
class Task:
    id: str
    title: str
    notes: str
    status: str


class TasksFromLog:
    """The owner's tasks, folded from the log for each question."""

    def __init__(self, node: LogNode, handler: CommandHandler) -> None:
        self._node = node
        self._handler = handler

    async def tasks_of(self, owner_id: str, status: str | None, limit: int) -> Sequence[Task]:
        rows = await self._node.pool.fetch(
            "SELECT DISTINCT stream_id FROM verbatim.events WHERE stream_id LIKE 'task-%' "
            "AND owner_id = $1 ORDER BY 1",
            owner_id,
        )
        found = []
        for (stream_id,) in rows:
            _, state = await self._handler.load(TASK, stream_id, owner_id)
            task = Task(stream_id.removeprefix("task-"), state.title, state.notes, state.status)
            if state.status in ("pending", "completed") and status in (None, state.status):
                found.append(task)
        return found[:limit]


@dataclass
class AgentNode:
    log: LogNode
    handler: CommandHandler
    leases: Leases
    live: LiveRuns
    reader: FrameReader
    writer: FrameWriter
    supervisor: Supervisor
    sender: Sender
    approver: Approver
    stopper: Stopper
    tasks: TasksFromLog

    async def say(self, text: str, conversation_id: str | None = None, **kwargs: Any) -> Any:
        return await self.sender.send("ada", conversation_id, Message(text=text), **kwargs)

    async def decide(self, sent: Any, call_id: str, is_granted: bool, reason: str = "") -> Any:
        decision = Decision(
            run_id=sent.run_id, call_id=call_id, is_granted=is_granted, reason=reason
        )
        return await self.approver.decide("ada", sent.conversation_id, decision)

    async def frames(self, run_id: uuid.UUID, after: int = 0) -> list[Frame]:
        found: list[Frame] = []
        async with asyncio.timeout(30):
            async for chunk in self.reader.follow(run_id, "ada", after):
                found += chunk
        return found

    async def shown(self, run_id: uuid.UUID) -> list[dict[str, Any]]:
        return [orjson.loads(f.body) for f in await self.frames(run_id) if f.body]

    async def events(self, conversation_id: str) -> list[Event]:
        recorded = await self.log.store.read_stream(stream_of(conversation_id))
        return [r.event for r in recorded]


async def identify(headers: Mapping[str, str] | None, meta: Mapping[str, Any]) -> Caller:
    assert meta[META_TOKEN] == f"token of {meta[META_CALL_ID]}"
    return Caller("ada", meta.get(META_RUN_ID), meta.get(META_CALL_ID))


@asynccontextmanager
async def agent_node(
    url: str,
    model: Model,
    *,
    turns: int = 10,
    run_seconds: float = 60,
    tool_seconds: float = 10,
    approval_tools: Sequence[str] = (),
    is_crashing: bool = False,
    can_hear: bool = True,
    foreign: Sequence[ForeignTools] = (),
    client: Sequence[ToolDefinition] = (),
    limits: Limits | None = None,
    context_messages: int = 15,
    write: Write | None = None,
    titles: Model | None = None,
) -> AsyncIterator[AgentNode]:
    """`is_crashing` leaves leases as a killed process would; `write` sums conversations up."""
    async with log_node(url) as log:
        handler = CommandHandler(log.store)
        tasks = TasksFromLog(log, handler)
        server = build_task_server(TaskTools(handler, tasks), identify)
        tools = ToolServer(
            server, lambda user, run, call: f"token of {call}", timeout_seconds=tool_seconds
        )
        live = LiveRuns()
        leases = Leases(log.pool, new_id())
        reader = FrameReader(log.pool, log.keys, live)
        writer = FrameWriter(log.pool, on_lost=lambda run_id: supervisor.lose(run_id))
        wakefulness = log.signal.wakefulness
        summaries = write and Summaries(
            handler, log.store, write, limit=context_messages, wakefulness=wakefulness
        )

        titler = Titler(titles, handler, log.store) if titles else None

        def end(outcome: str, seconds: float, recorder: RunRecorder) -> None:
            if summaries and outcome == "completed":
                summaries.offer(recorder.claim)
            if titler and outcome == "completed":
                titler.begin(recorder.claim, supervisor.tell)

        supervisor = Supervisor(
            leases=leases,
            handler=handler,
            keys=log.keys,
            live=live,
            reader=reader,
            writer=writer,
            signal=log.signal,
            equipment=Equipment(
                store=log.store,
                tools=Toolbox(tools, foreign, client),
                model=model,
                model_name="scripted",
                model_settings=ModelSettings(),
                summaries=summaries,
                limits=RunLimits(
                    turns=turns, run_seconds=run_seconds, context_messages=context_messages
                ),
                approval_tools=frozenset(approval_tools),
            ),
            output_limit=10_000,
            can_hear=can_hear,
            on_outcome=end,
        )
        log.listener._on_run = supervisor.stop if can_hear else None
        sender = Sender(handler, log.keys, leases, supervisor, limits)
        approver = Approver(log.store, handler, log.keys, leases, supervisor)
        stopper = Stopper(handler, log.keys, leases)
        background = [asyncio.create_task(writer.run()), asyncio.create_task(supervisor.run())]
        if summaries:
            background.append(asyncio.create_task(summaries.run()))
        try:
            yield AgentNode(
                log,
                handler,
                leases,
                live,
                reader,
                writer,
                supervisor,
                sender,
                approver,
                stopper,
                tasks,
            )
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            if is_crashing:
                working = [w.task for w in supervisor._working.values() if w.task]
                for task in working:
                    task.cancel()
                await asyncio.gather(*working, return_exceptions=True)
            else:
                await supervisor.close()
            if titler is not None:
                await titler.close()
