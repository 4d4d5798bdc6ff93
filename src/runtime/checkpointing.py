"""Signs the log now and then while it grows, and gives each checkpoint to a hook."""

from __future__ import annotations

import asyncio
import contextlib
import os

import asyncpg
import structlog

from events import statements
from events.group_commit import DISCONNECTED
from events.proofs.checkpoints import Checkpoint
from events.proofs.errors import LogChanged
from events.proofs.notary import Notary, open_signer
from events.signal import LogSignal
from runtime.database import Database
from runtime.own_keys import audit_key
from runtime.settings import Settings

log = structlog.get_logger()

RETRY_SECONDS = 5.0
HOOK_SECONDS = 30.0
HOOK_BATCH = 100
#: The hook gets nothing else of our environment, which holds secrets.
HOOK_ENVIRONMENT = ("PATH", "HOME", "LANG", "TZ")


class Checkpoints:
    """`size` is the tree size of the newest one this node knows of."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        notary: Notary,
        signal: LogSignal,
        *,
        after_events: int,
        after_seconds: float,
        hook: tuple[str, ...] | None,
    ) -> None:
        self._pool = pool
        self._notary = notary
        self._signal = signal
        self._after_events = after_events
        self._after_seconds = after_seconds
        self._hook = hook
        self.size = 0
        #: Found by this node; nothing is signed any more.
        self.is_log_changed = False

    @property
    def key(self) -> str:
        """The public key, in the form of C2SP's signed notes."""
        return str(self._notary.signer.verifier)

    async def run(self) -> None:
        """Until cancelled, or until the log is found changed: then nothing is signed any more."""
        while True:
            await self._signal.wait_beyond(self.size)
            try:
                await self._wait_for_more()
                await self.sign()
            except LogChanged as error:
                self.is_log_changed = True
                log.error("log_changed", tree_size=error.tree_size)
                return
            except (*DISCONNECTED, asyncpg.PostgresError) as error:
                log.warning("checkpoint_failed", error=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)

    async def sign(self) -> None:
        """Sign the head, unless another node has just signed; then the hook gets what is new."""
        note = await self._notary.sign(
            after_events=self._after_events, after_seconds=self._after_seconds / 2
        )
        if note is not None:
            self.size = Checkpoint.open(note, self._notary.signer.verifier).tree_size
            await self._announce()

    async def _wait_for_more(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._after_seconds):
                while self._signal.head < self.size + self._after_events:
                    await self._signal.wait_beyond(self.size + self._after_events - 1)

    async def _announce(self) -> None:
        """At least once each, in order: what the hook refused is given to it again."""
        if self._hook is None:
            return
        announced = await self._pool.fetchval(statements.load("announced_checkpoint"))
        while rows := await self._pool.fetch(
            statements.load("read_checkpoints"), announced, HOOK_BATCH
        ):
            for row in rows:
                if not await _accepts(self._hook, row["note"]):
                    return
                announced = row["tree_size"]
                await self._pool.execute(statements.load("announce_checkpoint"), announced)


async def open_checkpoints(
    settings: Settings, database: Database, signal: LogSignal
) -> Checkpoints | None:
    """None without a key of the log."""
    key = audit_key(settings)
    if key is None:
        log.info("checkpoints_off", remedy="set AUDIT_KEY; `verbatim audit keys --new` makes one")
        return None
    return Checkpoints(
        database.direct,
        Notary(database.direct, await open_signer(database.direct_reads, key)),
        signal,
        after_events=settings.checkpoint_events,
        after_seconds=settings.checkpoint_seconds,
        hook=settings.checkpoint_hook,
    )


async def _accepts(hook: tuple[str, ...], note: str) -> bool:
    environment = {name: os.environ[name] for name in HOOK_ENVIRONMENT if name in os.environ}
    try:
        process = await asyncio.create_subprocess_exec(
            *hook,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
        )
    except OSError as error:
        log.warning("checkpoint_hook_failed", reason=error.strerror)
        return False
    try:
        async with asyncio.timeout(HOOK_SECONDS):
            await process.communicate(note.encode())
    except TimeoutError:
        log.warning("checkpoint_hook_failed", reason=f"no end within {HOOK_SECONDS:.0f} s")
        return False
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        log.warning("checkpoint_hook_failed", reason=f"exit code {process.returncode}")
    return process.returncode == 0
