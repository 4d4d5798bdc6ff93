"""From any thread onto the node's event loop, and its errors as the library's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import asyncpg
from anyio.from_thread import BlockingPortal
from eventsourcing.persistence import IntegrityError, OperationalError

from events.errors import QueueFull, StoreUnavailable, VersionConflict
from tests.log_node import LogNode

#: Not unique_violation, which would hide an append that only the events' primary key stopped.
STALE_TRACKING = "VT001"

T = TypeVar("T")


class LogAdapter:
    """What the recorders share: the node, and the way onto its event loop."""

    def __init__(self, portal: BlockingPortal, node: LogNode) -> None:
        self.portal = portal
        self.node = node

    def call(self, work: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        try:
            return self.portal.call(work, *arguments)
        except VersionConflict as error:
            raise IntegrityError(str(error)) from error
        except asyncpg.PostgresError as error:
            if error.sqlstate == STALE_TRACKING:
                raise IntegrityError(str(error)) from error
            raise
        except (StoreUnavailable, QueueFull) as error:
            raise OperationalError(str(error)) from error
