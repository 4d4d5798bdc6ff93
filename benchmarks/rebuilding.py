"""Rebuilding a long log, against the bare loop that reads, decrypts and decodes it."""

from __future__ import annotations

import asyncio
import base64
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.bare_reader import bare_readers, read_all
from benchmarks.long_log import Size, write_log
from benchmarks.measures import Goal, Measure, compared
from benchmarks.node import EVENT_KEY, LogNode, log_node
from benchmarks.plan import Plan
from benchmarks.server import database
from benchmarks.serving import SECRET
from cli.crew import ProcessCrew, available_cores
from projections.building import Builder
from projections.generations import create_generation, drop_generation
from projections.verification import verify
from runtime.embedded import EmbeddedServer
from runtime.logs import configure_logs
from runtime.settings import Settings, load_settings

BARE = "read, decrypt and decode alone, on the same cores"


async def measure(server: EmbeddedServer, plan: Plan) -> list[Measure]:
    configure_logs("error")
    async with database(server, "rebuilt") as url, log_node(url) as node:
        size = Size(plan.log_conversations, plan.log_events)
        head = await write_log(node.database.direct, node.keys, size)
        return await _compare(node, settings_for(url), url, head, plan.rebuilds)


async def _compare(
    node: LogNode, settings: Settings, url: str, head: int, rounds: int
) -> list[Measure]:
    bare: list[float] = []
    filled: list[float] = []
    whole: list[float] = []
    checked: list[float] = []
    hands = available_cores()
    with bare_readers(settings, url, hands) as readers:
        for _ in range(rounds):
            bare.append(await _bare(readers, head))
            with ProcessCrew(settings, url, hands) as crew:
                await _warm_up(crew, node)
                filled.append(await _fill(node, crew, head))
                whole.append(await _rebuild(node, crew, head))
                checked.append(await _verify(node, crew, head))
                memory = _memory_megabytes()
            await _forget(node)
    return [
        compared(
            f"events built into fresh read tables, {hands} processes",
            "/s",
            filled,
            BARE,
            bare,
            Goal(0.4, 0.3),
        ),
        compared("the same with every row compared to the live tables", "/s", whole, BARE, bare),
        compared("events verified", "/s", checked, BARE, bare),
        Measure(
            measure=f"memory of {hands} worker processes at most",
            value=memory,
            unit="MB",
            goal=Goal(500.0, 500.0, is_upper=True),
        ),
    ]


def settings_for(url: str) -> Settings:
    return load_settings(
        database_url=url,
        event_key=base64.b64encode(EVENT_KEY.secret).decode(),
        better_auth_secret=SECRET,
        internal_signing_key=SECRET,
    )


async def _bare(readers: ProcessPoolExecutor, head: int) -> float:
    started = time.perf_counter()
    count = await asyncio.to_thread(read_all, readers, head)
    return count / (time.perf_counter() - started)


async def _warm_up(crew: ProcessCrew, node: LogNode) -> None:
    """Its processes have started and are connected."""
    pool = node.database.direct
    empty = await create_generation(pool, "warm")
    await asyncio.gather(*(crew.verify(empty, []) for _ in range(crew.hands * 4)))
    await drop_generation(pool, empty.number)


async def _fill(node: LogNode, crew: ProcessCrew, head: int) -> float:
    started = time.perf_counter()
    await Builder(node.database.direct, node.store, crew=crew).ensure_live()
    return head / (time.perf_counter() - started)


async def _rebuild(node: LogNode, crew: ProcessCrew, head: int) -> float:
    started = time.perf_counter()
    await Builder(node.database.direct, node.store, crew=crew).rebuild()
    return head / (time.perf_counter() - started)


async def _verify(node: LogNode, crew: ProcessCrew, head: int) -> float:
    started = time.perf_counter()
    verified = await verify(node.database.direct, crew)
    if verified.count:
        raise RuntimeError(f"{verified.count} rows differ from the log.")
    return head / (time.perf_counter() - started)


async def _forget(node: LogNode) -> None:
    pool = node.database.direct
    for row in await pool.fetch("SELECT generation FROM verbatim.generations"):
        await drop_generation(pool, row["generation"])


def _memory_megabytes() -> float:
    """What the workers held at most; the process that leads them holds no events."""
    ids = [child.pid for child in multiprocessing.active_children() if child.pid]
    return sum(_kilobytes(pid, "VmHWM") for pid in ids) / 1024


def _kilobytes(process_id: int, field: str) -> int:
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    return 0
