"""How far something is: bars on a terminal, else a line now and then, or JSON objects."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from cli.terminal import print_json, say

#: How often a plain log hears of progress, where there is no terminal for a bar.
LINE_SECONDS = 5.0

#: Is told how much is done, and of how much.
Progress = Callable[[int, int], None]


class Reporter(Protocol):
    def of(self, action: str, unit: str) -> Progress:
        """`action` as in `rebuilding`, `unit` as in `events`."""
        ...


@contextmanager
def reporting(*, as_json: bool) -> Iterator[Reporter]:
    if as_json or not sys.stderr.isatty():
        yield _Lines(as_json)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(TextColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f} a second" if task.speed else "")

    bars = Progress(
        "{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        "{task.fields[unit]}",
        Rate(""),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )

    class Bars:
        def of(self, action: str, unit: str) -> Callable[[int, int], None]:
            task = bars.add_task(action, total=None, start=False, visible=False, unit=unit)

            def show(done: int, total: int) -> None:
                bars.start_task(task)
                bars.update(task, completed=done, total=max(total, done), visible=True)

            return show

    with bars:
        yield Bars()


class _Lines:
    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def of(self, action: str, unit: str) -> Progress:
        return _Line(action, unit, self._as_json)


class _Line:
    """Says the end, and of what takes long, how far it is."""

    def __init__(self, action: str, unit: str, as_json: bool) -> None:
        self._action = action
        self._unit = unit
        self._as_json = as_json
        self._said_at = time.monotonic()
        self._last = (-1, -1)
        #: Where and when it was seen first: what broke off does not begin at nothing.
        self._first: tuple[int, float] | None = None

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        self._first = self._first or (done, now)
        is_due = done >= total or now - self._said_at >= LINE_SECONDS
        if not is_due or (done, total) == self._last:
            return
        self._said_at, self._last = now, (done, total)
        begun_at, started = self._first
        rate = (done - begun_at) / max(now - started, 0.001)
        left = round((total - done) / rate) if rate else None
        if not self._as_json:
            self._say(done, total, rate, left)
            return
        figures = {"done": done, "total": total, "per_second": int(rate), "seconds_left": left}
        print_json({"event": "progress", "action": self._action, "unit": self._unit, **figures})

    def _say(self, done: int, total: int, rate: float, left: int | None) -> None:
        rest = f", {left:,} s left" if left else ""
        said = f"{self._action}: {done:,} of {total:,} {self._unit}, {rate:,.0f} a second{rest}"
        say(said)
