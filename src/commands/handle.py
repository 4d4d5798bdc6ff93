"""Handles a command: load, decide, append; a lost race is decided again on the newer state."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

from commands.decider import Command, Decider, State
from commands.errors import Foreign
from events.errors import VersionConflict
from events.event import Event
from events.store import EventStore
from events.stored import Append, Appended, Companion

ATTEMPTS = 20
#: Folded states kept in memory; a miss reads the stream again.
CACHED_STATES = 5_000

Content = TypeVar("Content")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who commands, and what the command belongs to."""

    owner_id: str
    #: user:<id>, agent:<run id> or system.
    actor: str
    correlation_id: str | None = None
    causation_id: str | None = None
    idempotency_key: str | None = None
    request_body: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled(Generic[Content]):
    """What a command came to: the events stored (then or, for a replay, earlier) and the state."""

    stream_id: str
    version: int
    events: Sequence[Event]
    state: Content
    is_replay: bool = False


#: Rows to write in the append's transaction, from the events that were decided.
Companions = Callable[[Sequence[Event]], Sequence[Companion]]


class CommandHandler:
    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._states: OrderedDict[str, tuple[int, str, Any]] = OrderedDict()
        #: One command a stream at a time, so that only other nodes can win a race.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def handle(
        self,
        decider: Decider[Command, State],
        stream_id: str,
        command: Command,
        origin: Origin,
        companions: Companions | None = None,
    ) -> Handled[State]:
        """Raises what `decide` raises, Foreign, and what an append raises.

        A command that decides on no event stores nothing.
        """
        async with self._turns.setdefault(stream_id, asyncio.Lock()):
            return await self._handle(decider, stream_id, command, origin, companions)

    async def _handle(
        self,
        decider: Decider[Command, State],
        stream_id: str,
        command: Command,
        origin: Origin,
        companions: Companions | None,
    ) -> Handled[State]:
        for attempt in range(ATTEMPTS):
            version, state = await self.load(decider, stream_id, origin.owner_id)
            replay = await self._replayed(stream_id, version, state, origin)
            if replay is not None:
                return replay
            events = decider.decide(command, state)
            if not events:
                return Handled(stream_id=stream_id, version=version, events=(), state=state)
            try:
                appended = await self._store.append(
                    _append_of(stream_id, version, events, origin, companions)
                )
            except VersionConflict:
                if attempt == ATTEMPTS - 1:
                    raise
                continue
            if appended.is_replay:
                _, state = await self.load(decider, stream_id, origin.owner_id)
                return await self._replay(appended, state)
            state = decider.fold(state, events, version)
            version += len(events)
            self._remember(stream_id, version, origin.owner_id, state)
            return Handled(stream_id=stream_id, version=version, events=events, state=state)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def load(
        self, decider: Decider[Any, State], stream_id: str, owner_id: str
    ) -> tuple[int, State]:
        """The stream's version and folded state; Foreign when another user owns it."""
        version, stored_owner, state = self._states.get(stream_id) or (
            0,
            "",
            decider.initial_state(),
        )
        recorded = await self._store.read_stream(stream_id, after_version=version)
        if recorded:
            stored_owner = recorded[0].owner_id
            state = decider.fold(state, (r.event for r in recorded), version)
            version = recorded[-1].stream_version
            self._remember(stream_id, version, stored_owner, state)
        if version and stored_owner != owner_id:
            raise Foreign
        return version, state

    async def _replayed(
        self, stream_id: str, version: int, state: State, origin: Origin
    ) -> Handled[State] | None:
        if origin.idempotency_key is None or version == 0:
            return None
        found = await self._store.find_replay(
            stream_id, origin.owner_id, origin.idempotency_key, origin.request_body
        )
        return await self._replay(found, state) if found else None

    async def _replay(self, found: Appended, state: State) -> Handled[State]:
        recorded = await self._store.read_stream(
            found.stream_id,
            after_version=found.first_version - 1,
            up_to_version=found.last_version,
        )
        return Handled(
            stream_id=found.stream_id,
            version=found.last_version,
            events=[r.event for r in recorded],
            state=state,
            is_replay=True,
        )

    def _remember(self, stream_id: str, version: int, owner_id: str, state: Any) -> None:
        known = self._states.get(stream_id)
        if known is None or known[0] < version:
            self._states[stream_id] = (version, owner_id, state)
        self._states.move_to_end(stream_id)
        if len(self._states) > CACHED_STATES:
            self._states.popitem(last=False)


def _append_of(
    stream_id: str,
    version: int,
    events: Sequence[Event],
    origin: Origin,
    companions: Companions | None,
) -> Append:
    return Append(
        stream_id=stream_id,
        expected_version=version,
        owner_id=origin.owner_id,
        events=events,
        actor=origin.actor,
        correlation_id=origin.correlation_id,
        causation_id=origin.causation_id,
        idempotency_key=origin.idempotency_key,
        request_body=origin.request_body,
        companions=companions(events) if companions else (),
    )
