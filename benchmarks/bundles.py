"""Checking a bundle, against SHA-256 over its bytes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.measures import Goal, Measure, compared
from benchmarks.node import LogNode, append_of, log_node
from benchmarks.plan import Plan
from benchmarks.server import database
from events.conversation import stream_of
from events.ids import new_id
from events.proofs.checking import check_file
from events.proofs.notary import Notary, open_signer
from events.proofs.notes import NoteVerifier
from events.proofs.proving import prove_stream
from runtime.embedded import EmbeddedServer

#: Conversations that take turns, so that no two events of one are neighbours in the log.
CONVERSATIONS = 8
#: A turn's events, appended together.
TURN_EVENTS = 8


async def measure(server: EmbeddedServer, plan: Plan) -> list[Measure]:
    async with database(server, "bundles") as url, log_node(url) as node:
        lines, verifier = await _bundle(node, plan.long_events)
    whole = b"".join(lines)
    checked: list[float] = []
    bare: list[float] = []
    for _ in range(plan.rounds):
        bare.append(_rate(len(whole), lambda: hashlib.sha256(whole).digest()))
        checked.append(_rate(len(whole), lambda: check_file(lines, verifier)))
    return [
        compared(
            f"bytes of a bundle checked, {plan.long_events:,} events",
            "MB/s",
            checked,
            "SHA-256 of the same bytes, one core",
            bare,
            Goal(0.3, 0.3),
        )
    ]


def _rate(size: int, work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return size / (time.perf_counter() - started) / 1e6


async def _bundle(node: LogNode, events: int) -> tuple[Sequence[bytes], NoteVerifier]:
    pool = node.database.direct
    streams = [stream_of(str(new_id())) for _ in range(CONVERSATIONS)]
    for version in range(0, events, TURN_EVENTS):
        for stream_id in streams:
            await node.store.append(append_of(stream_id, version, TURN_EVENTS))
    await node.settle()
    notary = Notary(pool, await open_signer(pool, Ed25519PrivateKey.generate()))
    note = await notary.sign()
    if note is None:
        raise RuntimeError("An empty log proves nothing.")
    parts = prove_stream(node.store, pool, notary.signer, note, streams[0])
    return [line async for line in parts], notary.signer.verifier
