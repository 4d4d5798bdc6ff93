"""What `verbatim audit` does once the database is known. It brings the store's libraries along."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cli.errors import CliError
from cli.opened import OpenLog, open_log
from events import statements
from events.conversation import stream_of
from events.keys import generate_event_key
from events.proofs.bundle import line_of
from events.proofs.log_check import LogCheck, LogReport
from events.proofs.notary import Notary, open_signer
from events.proofs.notes import NoteSigner, NoteVerifier
from events.proofs.proving import prove_growth, prove_stream
from events.sealer import Sealer
from runtime.own_keys import audit_key
from runtime.settings import Settings


@dataclass(frozen=True)
class Signing:
    log: OpenLog
    signer: NoteSigner

    async def sign(self) -> str:
        """The checkpoint of everything committed so far. Raises CliError for an empty log."""
        await Sealer(self.log.pool, self.log.signal).seal()
        note = await Notary(self.log.pool, self.signer).sign()
        if note is None:
            raise CliError("The log is empty: there is nothing to sign yet.")
        return note


def generate_private_key() -> str:
    return generate_event_key()


async def public_key(settings: Settings, url: str) -> str:
    async with _signing(settings, url) as signing:
        return str(signing.signer.verifier)


async def read_checkpoint(settings: Settings, url: str, size: int | None, *, signs: bool) -> str:
    if signs:
        async with _signing(settings, url) as signing:
            newest = await signing.sign()
            return newest if size is None else await _checkpoint_of(signing.log, size)
    async with open_log(settings, url) as log:
        if size is not None:
            return await _checkpoint_of(log, size)
        row = await log.pool.fetchrow(statements.load("newest_checkpoint"))
        if row is None:
            raise CliError("Nothing was signed yet: `verbatim audit checkpoint --now` signs.")
        note: str = row["note"]
        return note


async def write_bundle(
    settings: Settings, url: str, conversation_id: str, output: Path | None
) -> int:
    """Answers how many events the bundle holds. Raises NothingToProve."""
    async with _signing(settings, url) as signing:
        note = await signing.sign()
        lines = prove_stream(
            signing.log.store, signing.log.pool, signing.signer, note, stream_of(conversation_id)
        )
        return await _write(lines, output) - 1


async def write_growth(
    settings: Settings, url: str, old: int, new: int, output: Path | None
) -> None:
    if old > new:
        raise CliError("Name the older checkpoint first: a log only grows.")
    async with _signing(settings, url) as signing:
        notes = [await _checkpoint_of(signing.log, size) for size in (old, new)]
        proof = await prove_growth(signing.log.pool, signing.signer.verifier, *notes)

    async def lines() -> AsyncIterator[bytes]:
        yield line_of(proof)

    await _write(lines(), output)


async def check_log(
    settings: Settings, url: str, verifier: NoteVerifier | None, notes: Sequence[str]
) -> LogReport:
    async with open_log(settings, url) as log:
        if verifier is None:
            key = audit_key(settings)
            if key is None:
                raise CliError("The log's public key is not known: set AUDIT_KEY, or give --key.")
            verifier = (await open_signer(log.pool, key)).verifier
        return await LogCheck(log.pool, verifier, notes).run()


@asynccontextmanager
async def _signing(settings: Settings, url: str) -> AsyncIterator[Signing]:
    key = audit_key(settings)
    if key is None:
        raise CliError("AUDIT_KEY is not set: `verbatim audit keys --new` makes one.")
    async with open_log(settings, url) as log:
        yield Signing(log, await open_signer(log.pool, key))


async def _checkpoint_of(log: OpenLog, size: int) -> str:
    (row,) = await log.pool.fetch(statements.load("read_checkpoints"), size - 1, 1) or (None,)
    if row is None or row["tree_size"] != size:
        raise CliError(f"There is no checkpoint of {size} events.")
    note: str = row["note"]
    return note


async def _write(lines: AsyncIterator[bytes], output: Path | None) -> int:
    """Answers how many lines there were. A file gets its name once it is whole."""
    if output is None:
        return await _copy(lines, sys.stdout.buffer)
    draft = output.with_name(f".{output.name}.part")
    try:
        with draft.open("wb") as file:
            count = await _copy(lines, file)
        draft.replace(output)
    finally:
        draft.unlink(missing_ok=True)
    return count


async def _copy(lines: AsyncIterator[bytes], file: BinaryIO) -> int:
    count = 0
    async for line in lines:
        file.write(line)
        count += 1
    file.flush()
    return count
