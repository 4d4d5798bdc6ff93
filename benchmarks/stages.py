"""Where an event's time goes: CPU microseconds by stage, in the client and in the database."""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable, Sequence

import asyncpg

from benchmarks.measures import Measure
from benchmarks.node import EVENT, append_for, append_of, log_node
from benchmarks.plan import Plan
from benchmarks.processes import cpu_seconds_of
from benchmarks.server import database, execute
from events import codec, statements
from events.cipher import DataKey, NoEncryption
from events.conversation import stream_of
from events.encoded_append import EncodedAppend, statement_columns
from events.ids import new_id
from events.store import encode_append
from runtime.embedded import EmbeddedServer

CALLERS = 32
BATCHES = (1, 32, 256)
STATEMENTS = 300
REPEATS = 5_000
SEALED_ROWS = 8
KEY = DataKey(new_id(), "ada", b"k" * 32)
UNIT = "µs CPU an event"


async def measure(server: EmbeddedServer, plan: Plan) -> list[Measure]:
    stream_id = stream_of(str(new_id()))
    append = append_of(stream_id, 1)
    plain = NoEncryption("ada")
    encode = _cost(lambda: encode_append(append, plain))
    encrypt = _cost(lambda: codec.encode_state(EVENT, KEY, stream_id, 2)) - _cost(
        lambda: codec.encode_state(EVENT, plain, stream_id, 2)
    )
    found = [
        _stage("client: encode (ids, JSON, metadata)", encode),
        _stage("client: encrypt", encrypt),
    ]
    async with database(server, "stages") as url:
        driver, stored = await _database_stages(url)
        whole = await _client_cost(url, plan)
    return [
        *found,
        _stage(f"client: asyncpg, {CALLERS} a statement", driver),
        _stage("client: group commit, event loop, caller", whole - encode - encrypt - driver),
        _stage(f"client: all, {CALLERS} conversations", whole),
        *stored,
    ]


async def _database_stages(url: str) -> tuple[float, list[Measure]]:
    appending, sealing = await asyncpg.connect(url), await asyncpg.connect(url)
    await appending.execute(
        "INSERT INTO verbatim.data_keys (key_id, owner_id, generation, wrapped) "
        "VALUES ($1, 'ada', 1, '')",
        KEY.key_id,
    )
    driver, found = 0.0, []
    for size in BATCHES:
        events = size * STATEMENTS
        batches = _batches(size)
        before, began = cpu_seconds_of(appending.get_server_pid()), time.process_time()
        for columns in batches:
            await appending.fetchval(statements.load("append_events"), *columns)
        client, server = (
            time.process_time() - began,
            cpu_seconds_of(appending.get_server_pid()) - before,
        )
        if size == CALLERS:
            driver = 1e6 * client / events
        found.append(_stage(f"database: append, {size} a statement", 1e6 * server / events))
        before = cpu_seconds_of(sealing.get_server_pid())
        while (await sealing.fetchrow(statements.load("seal_log"), SEALED_ROWS))["is_more"]:
            pass
        sealed = cpu_seconds_of(sealing.get_server_pid()) - before
        name = f"database: seal, {SEALED_ROWS * size} a batch"
        found.append(_stage(name, 1e6 * sealed / events))
    await appending.close()
    await sealing.close()
    await execute(url, "DELETE FROM verbatim.data_keys")
    return driver, found


async def _client_cost(url: str, plan: Plan) -> float:
    async with log_node(url) as node:
        began = time.process_time()
        rate = await append_for(node, CALLERS, plan.round_seconds)
        return 1e6 * (time.process_time() - began) / len(rate.latencies)


def _batches(size: int) -> list[tuple[object, ...]]:
    streams = [stream_of(str(new_id())) for _ in range(size)]
    return [statement_columns(_encoded(streams, version)) for version in range(STATEMENTS)]


def _encoded(streams: Sequence[str], version: int) -> list[EncodedAppend]:
    return [encode_append(append_of(stream, version), KEY) for stream in streams]


def _cost(once: Callable[[], object]) -> float:
    return 1e6 * min(timeit.repeat(once, number=REPEATS, repeat=5)) / REPEATS


def _stage(name: str, microseconds: float) -> Measure:
    return Measure(measure=name, value=microseconds, unit=UNIT)
