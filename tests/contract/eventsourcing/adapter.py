"""Our event log behind the recorder classes of the `eventsourcing` library.

Each mapping it makes:

| the library                       | our log                                                      |
|-----------------------------------|--------------------------------------------------------------|
| a call from any thread            | the coroutine, on the event loop of one node                 |
| originator id (UUID)              | stream `stock-<uuid>`                                        |
| originator version, from anywhere | stream version from 1; the original stands in the event, and |
|                                   | that of the stream's first event tells how far they differ   |
| (versions are the caller's)       | expected version: that before the first one of the call      |
| versions that repeat or leave a   | IntegrityError: by the adapter within one call, by           |
| gap                               | VersionConflict between calls (the library allows gaps)      |
| topic                             | topic `stock.<topic>`, its class registered when first seen  |
| state (bytes)                     | the event's field `content`, in JSON, encrypted              |
| (no owner, no actor)              | owner `stock`, actor `system`                                |
| events of several originators     | one `append_all`                                             |
| notification id                   | position in the log, once sealed                             |
| ids that an insert answers        | the adapter seals, then reads the positions                  |
| start, stop, inclusive_of_start   | after_position, up_to_position                               |
| topics of a selection             | compared by the adapter, page by page                        |
| desc and limit                    | `read_stream_backwards`                                      |
| max_notification_id, None         | `head()`, 0                                                  |
| Subscription                      | `events.subscription.subscribe`, through a queue             |
| tracking record                   | row of a table of the adapter's own, one an application      |
| tracking together with events     | `Companion`: a row in the append's transaction               |
| tracking id that is not newer     | SQLSTATE VT001, raised by the adapter's SQL function         |
| IntegrityError                    | VersionConflict, SQLSTATE VT001                              |
| OperationalError                  | StoreUnavailable, QueueFull                                  |
| Transcoder                        | see transcoding.py                                           |
"""

from __future__ import annotations

import queue
import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    Notification,
    ProcessRecorder,
    StoredEvent,
    Subscription,
    Tracking,
)

from events.store import MAX_VERSION
from events.stored import Append, Appended, Companion
from events.subscription import subscribe
from tests.contract.eventsourcing import mapping
from tests.contract.eventsourcing.calling import LogAdapter
from tests.contract.eventsourcing.tracking import LogTrackingRecorder, companion_of

OWNER = "stock"
ACTOR = "system"


class LogAggregateRecorder(LogAdapter, AggregateRecorder):
    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        self.call(self._append, stored_events)
        return None

    def select_events(
        self,
        originator_id: uuid.UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        return self.call(self._read, mapping.stream_of(originator_id), gt, lte, desc, limit)

    async def _append(
        self, stored: Sequence[StoredEvent], tracking: Tracking | None = None
    ) -> list[Appended]:
        by_stream: dict[str, list[StoredEvent]] = defaultdict(list)
        for each in stored:
            by_stream[mapping.stream_of(each.originator_id)].append(each)
        companions = [companion_of(tracking)] if tracking else []
        if by_stream:
            appends = [
                await self._to_append(stream_id, events, [] if n else companions)
                for n, (stream_id, events) in enumerate(by_stream.items())
            ]
            return await self.node.store.append_all(appends)
        for companion in companions:
            await self.node.pool.execute(companion.statement, *companion.values)
        return []

    async def _to_append(
        self, stream_id: str, stored: Sequence[StoredEvent], companions: Sequence[Companion]
    ) -> Append:
        first = stored[0].originator_version
        distance = await self._distance(stream_id)
        return Append(
            stream_id=stream_id,
            expected_version=0 if distance is None else first - distance - 1,
            owner_id=OWNER,
            events=mapping.to_events(stored),
            actor=ACTOR,
            companions=companions,
        )

    async def _distance(self, stream_id: str) -> int | None:
        """How far the original versions are ahead of ours; None while there is no stream."""
        beginning = await self.node.store.read_stream(stream_id, up_to_version=1)
        return mapping.original_version(beginning[0]) - 1 if beginning else None

    async def _read(
        self, stream_id: str, gt: int | None, lte: int | None, desc: bool, limit: int | None
    ) -> list[StoredEvent]:
        distance = await self._distance(stream_id)
        if distance is None:
            return []
        after = max(0, gt - distance) if gt is not None else 0
        up_to = max(0, lte - distance) if lte is not None else MAX_VERSION - 1
        if desc:
            backwards = await self.node.store.read_stream_backwards(
                stream_id, MAX_VERSION if limit is None else limit, before_version=up_to + 1
            )
            found = [each for each in backwards if each.stream_version > after]
        else:
            found = await self.node.store.read_stream(
                stream_id, after_version=after, up_to_version=up_to
            )
        return [mapping.to_stored_event(each) for each in found[:limit]]


class LogApplicationRecorder(LogAggregateRecorder, ApplicationRecorder):
    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        return self.call(self._append_and_seal, stored_events, kwargs.get("tracking"))

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        after = 0 if start is None else start - 1 if inclusive_of_start else start
        up_to = MAX_VERSION if stop is None else stop
        return self.call(self._read_log, after, up_to, limit, topics)

    def max_notification_id(self) -> int | None:
        head, _ = self.call(self.node.store.head)
        return head or None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        return LogSubscription(self, gt, topics)

    async def _append_and_seal(
        self, stored: Sequence[StoredEvent], tracking: Tracking | None
    ) -> list[int]:
        appended = await self._append(stored, tracking)
        await self.node.sealer.seal()
        positions: dict[str, list[int]] = {}
        for each in appended:
            positions[each.stream_id] = await self._positions(each)
        return [positions[mapping.stream_of(each.originator_id)].pop(0) for each in stored]

    async def _positions(self, appended: Appended) -> list[int]:
        pages = self.node.store.stored_stream(
            appended.stream_id,
            after_version=appended.first_version - 1,
            up_to_version=appended.last_version,
        )
        return [each.position async for page in pages for each in page if each.position]

    async def _read_log(
        self, after: int, up_to: int, limit: int, topics: Sequence[str]
    ) -> list[Notification]:
        found: list[Notification] = []
        while len(found) < limit:
            page = await self.node.store.read_log(after, up_to_position=up_to, limit=limit)
            recorded = await self.node.store.decode(page)
            notifications = [mapping.to_notification(each) for each in recorded]
            found += [each for each in notifications if _is_wanted(each, topics)]
            if len(page) < limit:
                break
            after = notifications[-1].id
        return found[:limit]


class LogProcessRecorder(LogTrackingRecorder, LogApplicationRecorder, ProcessRecorder):
    """Its `insert_events` takes `tracking`, which is stored together with the events."""


class LogSubscription(Subscription[ApplicationRecorder]):
    def __init__(
        self, recorder: LogApplicationRecorder, gt: int | None, topics: Sequence[str]
    ) -> None:
        super().__init__(recorder, gt, topics)
        self._node = recorder.node
        #: None when there will be no more.
        self._heard: queue.SimpleQueue[Notification | None] = queue.SimpleQueue()
        self._following = recorder.portal.start_task_soon(self._follow)
        self._following.add_done_callback(lambda _: self._heard.put(None))

    def stop(self) -> None:
        super().stop()
        self._following.cancel()

    def __next__(self) -> Notification:
        heard = None if self._has_been_stopped else self._heard.get()
        if heard is None or self._has_been_stopped:
            if self._following.done() and not self._following.cancelled():
                self._following.result()
            raise StopIteration
        return heard

    async def _follow(self) -> None:
        after = self._last_notification_id or 0
        async for batch in subscribe(self._node.store, self._node.signal, after):
            for recorded in await self._node.store.decode(batch):
                notification = mapping.to_notification(recorded)
                if _is_wanted(notification, self._topics):
                    self._heard.put(notification)


def _is_wanted(notification: Notification, topics: Sequence[str]) -> bool:
    return not topics or notification.topic in topics
