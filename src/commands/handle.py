"""Handles a command: load, decide, append; a lost race is decided again on the newer state.

A state that is remembered is decided on without a look at the database: if it is stale, the append
is refused for its version. What is not an append (a refusal, or nothing to store) is decided again
on what is stored.
"""

from __future__ import annotations

import asyncio
import uuid
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


#: Rows to write in the append's transaction, from the events that were decided and the state that
#: they were decided on.
Companions = Callable[[Sequence[Event], Any], Sequence[Companion]]


@dataclass(frozen=True, slots=True)
class _Asked(Generic[Command, State]):
    decider: Decider[Command, State]
    stream_id: str
    command: Command
    origin: Origin
    companions: Companions | None


@dataclass(frozen=True, slots=True)
class _Known:
    """A folded state, as good as the data key its events were read or written with."""

    version: int
    owner_id: str
    key_id: uuid.UUID
    state: Any


class CommandHandler:
    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._states: OrderedDict[str, _Known] = OrderedDict()
        #: One command a stream at a time, so that only other nodes can win a race.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def handle(
        self,
        decider: Decider[Command, State],
        stream_id: str,
        command: Command,
        origin: Origin,
        companions: Companions | None = None,
        *,
        is_new: bool = False,
    ) -> Handled[State]:
        """Raises what `decide` raises, Foreign, and what an append raises.

        A command that decides on no event stores nothing. `is_new` says that the stream most likely
        does not exist yet.
        """
        async with self._turns.setdefault(stream_id, asyncio.Lock()):
            asked = _Asked(decider, stream_id, command, origin, companions)
            known = await self._remembered(stream_id, origin.owner_id)
            handled = None
            if known is not None:
                handled = await self._try(asked, known.version, known.state)
            elif known is None and is_new:
                handled = await self._try(asked, 0, decider.initial_state())
            return handled or await self._handle(asked)

    async def _try(
        self, asked: _Asked[Command, State], version: int, state: State
    ) -> Handled[State] | None:
        """None where only what is stored can tell."""
        try:
            events = asked.decider.decide(asked.command, state)
        except Exception:
            return None
        if not events:
            return None
        try:
            return await self._append(asked, version, state, events)
        except VersionConflict:
            return None

    async def _handle(self, asked: _Asked[Command, State]) -> Handled[State]:
        decider, stream_id, origin = asked.decider, asked.stream_id, asked.origin
        for attempt in range(ATTEMPTS):
            version, state = await self.load(decider, stream_id, origin.owner_id)
            replay = await self._replayed(stream_id, version, state, origin)
            if replay is not None:
                return replay
            events = decider.decide(asked.command, state)
            if not events:
                return Handled(stream_id=stream_id, version=version, events=(), state=state)
            try:
                return await self._append(asked, version, state, events)
            except VersionConflict:
                if attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _append(
        self, asked: _Asked[Any, State], version: int, state: State, events: Sequence[Event]
    ) -> Handled[State]:
        decider, stream_id, owner_id = asked.decider, asked.stream_id, asked.origin.owner_id
        companions = asked.companions(events, state) if asked.companions else ()
        appended = await self._store.append(
            _append_of(stream_id, version, events, asked.origin, companions)
        )
        if appended.is_replay:
            _, state = await self.load(decider, stream_id, owner_id)
            return await self._replay(appended, state)
        state = decider.fold(state, events, version)
        version += len(events)
        await self._remember(stream_id, version, owner_id, state)
        return Handled(stream_id=stream_id, version=version, events=events, state=state)

    async def load(
        self, decider: Decider[Any, State], stream_id: str, owner_id: str
    ) -> tuple[int, State]:
        """The stream's version and folded state; Foreign when another user owns it."""
        known = await self._remembered(stream_id, owner_id)
        version, stored_owner, state = 0, owner_id, decider.initial_state()
        if known is not None:
            version, stored_owner, state = known.version, known.owner_id, known.state
        elif decider.restart_topic is not None:
            version = await self._store.last_of_topic(stream_id, decider.restart_topic)
        recorded = await self._store.read_stream(stream_id, after_version=version)
        if recorded:
            stored_owner = recorded[0].owner_id
            state = decider.fold(state, (r.event for r in recorded), version)
            version = recorded[-1].stream_version
            await self._remember(stream_id, version, stored_owner, state)
        if stored_owner != owner_id:
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

    async def _remembered(self, stream_id: str, owner_id: str) -> _Known | None:
        """Unless its owner was erased since: whoever comes back does not go on from there."""
        known = self._states.get(stream_id)
        if known is None or known.owner_id != owner_id:
            return None
        if (await self._store.keys.current(owner_id)).key_id != known.key_id:
            self._states.pop(stream_id, None)
            return None
        return known

    async def _remember(self, stream_id: str, version: int, owner_id: str, state: Any) -> None:
        key_id = (await self._store.keys.current(owner_id)).key_id
        known = self._states.get(stream_id)
        if known is None or known.version < version or known.key_id != key_id:
            self._states[stream_id] = _Known(version, owner_id, key_id, state)
        self._states.move_to_end(stream_id)
        if len(self._states) > CACHED_STATES:
            self._states.popitem(last=False)


def _append_of(
    stream_id: str,
    version: int,
    events: Sequence[Event],
    origin: Origin,
    companions: Sequence[Companion],
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
        companions=companions,
    )
