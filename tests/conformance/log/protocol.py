"""What the kit asks of a log under test: a factory, the log it opens, and its transactions."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as a reader of the whole log sees it."""

    position: int
    stream: str
    #: 1 for a stream's first event, and so on without a gap.
    version: int


class Transaction(Protocol):
    """A transaction that has begun and can be held open between any two calls.

    It runs at READ COMMITTED, the log's own way where that differs. The kit never makes two
    transactions wait for each other in a ring: each appends to its streams in sorted order.
    """

    async def reserve(self, stream: str, n_events: int) -> None:
        """Whatever the log does ahead of an append in a statement of its own, such as taking
        numbers; nothing for most logs. `append` for the same stream follows, perhaps much later.
        """

    async def append(self, stream: str, n_events: int) -> int:
        """Writes at the stream's present end and answers the first version written.

        The numbers that the order is made of are taken by now, and nothing is committed. May wait
        for another transaction in a lock of PostgreSQL's.
        """

    async def commit(self) -> None:
        """Acknowledged, so durable, on return. Gives its connection back, also on failure."""

    async def rollback(self) -> None:
        """Gives its connection back, also on failure."""


class Log(Protocol):
    async def begin(self) -> Transaction:
        """On a connection of its own, with a transaction id already assigned, as a statement that
        writes beside the append would do it. 24 may be open at once."""

    async def append_now(self, stream: str, n_events: int) -> int:
        """As users of the log append: committed on return; answers the first version written."""

    async def seal_or_noop(self) -> None:
        """Makes what is committed readable, where a log needs a step for that."""

    async def read(self, after_position: int, limit: int) -> Sequence[Recorded]:
        """The next events beyond a position, in order; fewer than `limit` only at the end."""

    async def head(self) -> int:
        """The position of the newest event that `read` gives; 0 in an empty log."""

    async def close(self) -> None: ...


class LogFactory(Protocol):
    @property
    def is_gapless(self) -> bool:
        """Whether positions are promised to be 1..N without a gap."""

    async def prepare(self, database_url: str) -> None:
        """Makes the log's tables in an empty database."""

    async def open(self, database_url: str) -> Log:
        """Parameters in the URL's query, such as application_name, reach the server."""


def load_factory(name: str) -> LogFactory:
    """What `module:function` names, called without arguments. Raises ValueError."""
    module_name, _, function_name = name.partition(":")
    try:
        make = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f"--log-factory={name}: expected module:function, importable from here ({error})"
        ) from error
    return cast(LogFactory, make())
