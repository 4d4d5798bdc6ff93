"""The parts of a node, each made from the settings and the parts below it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

from agents import Model
from mcp.server.mcpserver import MCPServer

from agent.chatkit_events import StreamEvent
from agent.frame_reader import FrameReader
from agent.frame_writer import FrameWriter
from agent.leases import Leases
from agent.live import LiveRuns
from agent.recorder import RunRecorder
from agent.summaries import Summaries
from agent.supervisor import Supervisor
from agent.task_tools import TaskReader, TaskTools, build_task_server
from agent.titles import Tell, Titler
from auth.gate import Gate
from auth.onetime import OneTimeTokens
from auth.signing import Signer
from auth.tokens import JwksVerifier
from commands.handle import CommandHandler
from events.group_commit import GroupCommit
from events.ids import new_id
from events.keys import KeyRing
from events.listener import Listener
from events.poller import POLL_SECONDS, SLOW_POLL_SECONDS, Poller
from events.sealer import Sealer
from events.signal import LogSignal
from events.store import EventStore
from projections.building import Builder
from projections.errors import ReadModelBehind
from projections.generations import definition
from projections.projector import Projector
from projections.read_models import ReadModels
from projections.reading import Reader
from projections.recording import ParkingRecorder
from projections.replica import Replica
from projections.tasks import TaskRow
from runtime.database import Database, open_database
from runtime.equipping import OPENAI, equip, open_titler, plain
from runtime.identity import identify_by, user_verifier
from runtime.metrics import Metrics
from runtime.own_keys import open_key_ring, signing_key
from runtime.settings import Settings
from runtime.spent_tokens import PostgresSpentTokens
from runtime.summarizing import open_summaries
from runtime.urls import database_urls


@dataclass(frozen=True, kw_only=True)
class LogParts:
    keys: KeyRing
    signal: LogSignal
    sealer: Sealer
    commits: GroupCommit
    store: EventStore

    def listener(self, database: Database, on_run: Callable[[str], None]) -> Listener | None:
        if not database.can_listen:
            return None
        return Listener(database.connect_listener, self.signal, on_run=on_run)

    def poller(self, database: Database) -> Poller:
        every_seconds = SLOW_POLL_SECONDS if database.can_listen else POLL_SECONDS
        return Poller(self.sealer, self.signal, every_seconds=every_seconds)


@dataclass(frozen=True, kw_only=True)
class RunParts:
    handler: CommandHandler
    live: LiveRuns
    reader: FrameReader
    writer: FrameWriter
    leases: Leases
    supervisor: Supervisor
    task_server: MCPServer[Any]
    #: None where the setting is off.
    summaries: Summaries | None
    model: Model
    assistant_kind: str
    model_name: str
    titler: Titler | None


def open_database_of(settings: Settings, url: str | None) -> AbstractAsyncContextManager[Database]:
    direct = settings.database_direct_url
    read = settings.database_read_url
    urls = database_urls(
        url or plain(settings.database_url) or "",
        plain(direct),
        plain(read),
        settings.database_pooler,
    )
    return open_database(
        urls,
        direct_connections=settings.direct_connections,
        read_connections=settings.read_connections,
        start_timeout_seconds=settings.database_start_timeout_seconds,
    )


async def open_log(settings: Settings, database: Database, metrics: Metrics) -> LogParts:
    keys = await open_key_ring(settings, database.direct_reads)
    signal = LogSignal()
    sealer = Sealer(database.direct, signal, on_seal=metrics.on_seal)
    commits = GroupCommit(database.direct)

    def on_commit() -> None:
        sealer.wake()
        signal.wakefulness.call()

    store = EventStore(
        database.direct_reads, keys, commits, on_commit=on_commit, on_append=metrics.on_append
    )
    metrics.watch("verbatim_append_queue_depth", lambda: commits.depth)
    metrics.watch("verbatim_seal_lag_seconds", lambda: sealer.lag_seconds)
    metrics.watch(
        "verbatim_database_last_look_age_seconds", lambda: time.monotonic() - signal.seen_at
    )
    return LogParts(keys=keys, signal=signal, sealer=sealer, commits=commits, store=store)


async def open_read_models(
    database: Database, log: LogParts, metrics: Metrics
) -> tuple[ReadModels, Projector, ParkingRecorder]:
    await log.sealer.seal()
    await Builder(database.direct, log.store).ensure_live()
    recorder = ParkingRecorder(database.direct, log.store)
    projector = Projector(
        database.direct,
        log.store,
        log.signal,
        on_batch=metrics.on_projected,
        on_notes=recorder.wake,
    )
    metrics.watch("verbatim_projection_position", lambda: projector.status.position)
    metrics.watch("verbatim_projection_lag_seconds", lambda: projector.lag_seconds)
    metrics.watch("verbatim_parked_streams", lambda: projector.status.parked)
    metrics.watch("verbatim_projector_blocked", lambda: projector.status.state == "blocked")

    def on_behind() -> None:
        log.sealer.wake()
        projector.wake()

    reads = ReadModels(
        database.engine,
        log.keys,
        progress=projector.progress,
        on_behind=on_behind,
        on_read=log.signal.wakefulness.call,
        retried=database.retried,
        replica=_open_replica(database, log, metrics, on_behind),
    )
    return reads, projector, recorder


def _open_replica(
    database: Database, log: LogParts, metrics: Metrics, on_behind: Callable[[], None]
) -> Replica | None:
    if database.replica is None:
        return None
    reader = Reader(
        database.replica,
        definition(),
        progress=LogSignal(),
        on_behind=on_behind,
        on_read=log.signal.wakefulness.call,
    )
    return Replica(
        reader,
        head=lambda: log.signal.head,
        on_behind=on_behind,
        on_outcome=metrics.on_replica_read,
    )


def open_gate(
    settings: Settings, database: Database, stack: AsyncExitStack
) -> tuple[Gate, Signer, OneTimeTokens]:
    signer = Signer(signing_key(settings))
    verifier = user_verifier(settings)
    if isinstance(verifier, JwksVerifier):
        stack.push_async_callback(verifier.aclose)
    gate = Gate(verifier, signer, sessions=settings.auth_mode == "local")
    return gate, signer, OneTimeTokens(signer, PostgresSpentTokens(database.direct))


def open_runs(
    settings: Settings,
    database: Database,
    log: LogParts,
    reads: ReadModels,
    metrics: Metrics,
    gate: Gate,
    signer: Signer,
    given_model: Model | None,
) -> RunParts:
    handler = CommandHandler(log.store)
    identify = identify_by(gate, signer)
    task_server = build_task_server(TaskTools(handler, _TaskRows(reads)), identify)
    live = LiveRuns()
    reader = FrameReader(database.direct_reads, log.keys, live)
    supervisor: Supervisor
    writer = FrameWriter(database.direct, on_lost=lambda run_id: supervisor.lose(run_id))
    leases = Leases(database.direct, new_id())
    equipment, kind = equip(settings, log.store, task_server, signer, given_model)
    summaries = open_summaries(settings, handler, log.signal, equipment, metrics)
    equipment = replace(equipment, summaries=summaries)
    titler = None
    if given_model is None and kind == OPENAI:
        titler = open_titler(settings, equipment, handler)

    def tell(conversation_id: str, event: StreamEvent) -> None:
        supervisor.tell(conversation_id, event)

    supervisor = Supervisor(
        leases=leases,
        handler=handler,
        keys=log.keys,
        live=live,
        reader=reader,
        writer=writer,
        signal=log.signal,
        equipment=equipment,
        output_limit=settings.tool_output_limit_characters,
        on_outcome=_ending(metrics, summaries, titler, tell),
        can_hear=database.can_listen,
    )
    return RunParts(
        handler=handler,
        live=live,
        reader=reader,
        writer=writer,
        leases=leases,
        supervisor=supervisor,
        task_server=task_server,
        summaries=summaries,
        model=equipment.model,
        assistant_kind=kind,
        model_name=equipment.model_name,
        titler=titler,
    )


#: How often the task tools, which nobody watches as they wait, ask for what is behind.
TOOL_ATTEMPTS = 5


class _TaskRows(TaskReader):
    """The task tools' view of the read model."""

    def __init__(self, reads: ReadModels) -> None:
        self._reads = reads

    async def tasks_of(self, owner_id: str, status: str | None, limit: int) -> Sequence[TaskRow]:
        for attempts_left in reversed(range(TOOL_ATTEMPTS)):
            try:
                page = await self._reads.tasks_list(owner_id, status=status, limit=limit)
                return page.rows
            except ReadModelBehind:
                if not attempts_left:
                    raise
        raise AssertionError("unreachable")


def _ending(
    metrics: Metrics, summaries: Summaries | None, titler: Titler | None, tell: Tell
) -> Callable[[str, float, RunRecorder], None]:
    def end(outcome: str, seconds: float, recorder: RunRecorder) -> None:
        metrics.on_run_ended(outcome, seconds)
        metrics.on_tokens(recorder.usage.input_tokens, recorder.usage.output_tokens)
        if summaries is not None and outcome == "completed":
            summaries.offer(recorder.claim)
        if titler is not None and outcome == "completed":
            titler.begin(recorder.claim, tell)

    return end
