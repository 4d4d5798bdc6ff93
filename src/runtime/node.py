"""A node: everything of one process, put together in one place and taken apart in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from agents import Model
from mcp.server.mcpserver import MCPServer

from agent.approving import Approver
from agent.attachments import PostgresAttachments
from agent.frame_reader import FrameReader
from agent.leases import Leases
from agent.openai_conversations import OpenAIConversations
from agent.orphans import close_orphans
from agent.sending import Sender
from agent.stopper import Stopper
from agent.stopping import Stops
from agent.supervisor import Supervisor
from auth.gate import Gate
from auth.onetime import OneTimeTokens
from auth.signing import Signer
from commands.handle import CommandHandler
from events.keys import KeyRing
from events.listener import Listener
from events.sealer import Sealer
from events.signal import LogSignal
from events.store import EventStore
from projections.generations import definition, drop_expired_generations
from projections.projector import Projector
from projections.read_models import ReadModels
from projections.recording import ParkingRecorder
from runtime.background import Work, end_process_on_error, keep_running
from runtime.checkpointing import Checkpoints, open_checkpoints
from runtime.database import Database
from runtime.equipping import send_limits
from runtime.linking import open_conversations
from runtime.metrics import Metrics
from runtime.migrations import check_on
from runtime.settings import Settings
from runtime.upkeep import forget_allowances, forget_spent_tokens, keep_up, prepare_frames
from runtime.wiring import (
    LogParts,
    RunParts,
    open_database_of,
    open_gate,
    open_log,
    open_read_models,
    open_runs,
)


@dataclass(frozen=True, kw_only=True)
class Node:
    settings: Settings
    metrics: Metrics
    database: Database
    keys: KeyRing
    store: EventStore
    sealer: Sealer
    signal: LogSignal
    handler: CommandHandler
    projector: Projector
    recorder: ParkingRecorder
    reads: ReadModels
    attachments: PostgresAttachments
    frames: FrameReader
    leases: Leases
    supervisor: Supervisor
    sender: Sender
    approver: Approver
    stopper: Stopper
    stops: Stops
    task_server: MCPServer[Any]
    gate: Gate
    signer: Signer
    sign_in: OneTimeTokens
    #: offline | openai
    assistant_kind: str
    model_name: str
    listener: Listener | None
    #: None where the log has no key to sign with.
    checkpoints: Checkpoints | None
    #: None where no host of models is set.
    openai_conversations: OpenAIConversations | None

    @property
    def look_age_seconds(self) -> float:
        """How long ago this node last heard from the database."""
        return time.monotonic() - self.signal.seen_at


@asynccontextmanager
async def open_node(
    settings: Settings, *, database_url: str | None = None, model: Model | None = None
) -> AsyncIterator[Node]:
    """`database_url` is the embedded server's, where there is one; `model` replaces the settings'.

    Raises DatabaseUnreachable, MigrationNeeded, InvalidEventKey, InvalidSettings.
    """
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database_of(settings, database_url))
        await check_on(database.direct)
        metrics = Metrics()
        log = await open_log(settings, database, metrics)
        reads, projector, recorder = await open_read_models(database, log, metrics)
        gate, signer, sign_in = open_gate(settings, database, stack)
        runs = open_runs(settings, database, log, reads, metrics, gate, signer, model)
        stack.push_async_callback(runs.model.close)
        node = Node(
            settings=settings,
            metrics=metrics,
            database=database,
            keys=log.keys,
            store=log.store,
            sealer=log.sealer,
            signal=log.signal,
            handler=runs.handler,
            projector=projector,
            recorder=recorder,
            reads=reads,
            attachments=PostgresAttachments(database.direct, log.keys),
            frames=runs.reader,
            leases=runs.leases,
            supervisor=runs.supervisor,
            sender=Sender(
                runs.handler, log.keys, runs.leases, runs.supervisor, send_limits(settings)
            ),
            approver=Approver(log.store, runs.handler, log.keys, runs.leases, runs.supervisor),
            stopper=Stopper(runs.handler, log.keys, runs.leases),
            stops=Stops(runs.leases),
            task_server=runs.task_server,
            gate=gate,
            signer=signer,
            sign_in=sign_in,
            assistant_kind=runs.assistant_kind,
            model_name=runs.model_name,
            listener=log.listener(database, runs.supervisor.stop),
            checkpoints=await open_checkpoints(settings, database, log.signal),
            openai_conversations=open_conversations(settings, database, log, runs.handler, stack),
        )
        _watch(metrics, node.checkpoints)
        await stack.enter_async_context(_running(node, log, runs))
        yield node


def _watch(metrics: Metrics, checkpoints: Checkpoints | None) -> None:
    if checkpoints is not None:
        metrics.watch("verbatim_checkpoint_size", lambda: checkpoints.size)
        metrics.watch("verbatim_log_changed", lambda: float(checkpoints.is_log_changed))


@asynccontextmanager
async def _running(node: Node, log: LogParts, runs: RunParts) -> AsyncIterator[None]:
    """The node's background tasks; runs finish or are handed over before the log closes."""
    await prepare_frames(node.database.direct)
    async with asyncio.TaskGroup() as group:
        appending = group.create_task(end_process_on_error("appends", log.commits.run))
        tasks = [
            group.create_task(keep_running(name, work))
            for name, work in _background(node, log, runs).items()
        ]
        try:
            yield
        finally:
            await node.stops.close()
            await runs.supervisor.close()
            if runs.titler is not None:
                await runs.titler.close()
            log.commits.close()
            await asyncio.wait([appending])
            for task in tasks:
                task.cancel()


def _background(node: Node, log: LogParts, runs: RunParts) -> dict[str, Work]:
    """What begins again after an error, by name."""

    async def orphans() -> None:
        progress, head = node.projector.progress, node.signal.head
        await close_orphans(node.reads, node.leases, node.handler, progress, head)

    background: dict[str, Work] = {
        "sealer": log.sealer.run,
        "projector": node.projector.run,
        "parkings": node.recorder.run,
        "frames": runs.writer.run,
        "runs": runs.supervisor.run,
        "orphans": orphans,
        "metrics": node.metrics.publish,
        "upkeep": lambda: _keep_up(node),
        "poller": log.poller(node.database).run,
    }
    if node.listener:
        background["listener"] = node.listener.run
    if node.checkpoints:
        background["checkpoints"] = node.checkpoints.run
    if runs.summaries:
        background["summaries"] = runs.summaries.run
    if node.openai_conversations:
        background["links"] = node.openai_conversations.run
    return background


async def _keep_up(node: Node) -> None:
    pool = node.database.direct

    async def frames() -> None:
        await prepare_frames(pool)

    async def tokens() -> None:
        await forget_spent_tokens(pool)

    async def allowances() -> None:
        await forget_allowances(pool)

    async def generations() -> None:
        await drop_expired_generations(pool, definition())

    async def in_use() -> None:
        await node.signal.wait_beyond(node.signal.head)

    chores = (frames, tokens, allowances, generations, node.attachments.sweep)
    await keep_up(chores, in_use)
