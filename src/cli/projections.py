"""`verbatim projections`: the read tables, which the log can build again at any time."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from cli.opened import OpenLog, database_url, open_log, run, settings_of
from cli.terminal import AsJson, DataDir, print_json, print_table, say
from projections.building import Builder, Progress
from projections.status import GenerationStatus, read_status
from runtime.settings import Settings

app = typer.Typer(help="The read tables.", no_args_is_help=True)

#: How often a plain log hears of progress, where there is no terminal for a bar.
LINE_SECONDS = 5.0


@app.command()
def status(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show each generation: state, position, lag, parked streams, last error."""
    settings = settings_of(data_dir)
    with database_url(settings) as url:
        generations = run(_status(settings, url))
    rows = [_row_of(generation) for generation in generations]
    if as_json:
        print_json(rows)
    else:
        columns = ("generation", "state", "position", "head", "lag", "parked", "last_error")
        print_table(columns, rows)


@app.command()
def rebuild(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Build the read tables anew beside the live ones, then swap them in."""
    settings = settings_of(data_dir)
    with database_url(settings) as url, _progress(as_json) as progress:
        number, position = run(_rebuild(settings, url, progress))
    if as_json:
        print_json({"event": "swapped", "generation": number, "position": position})
    else:
        say(f"Generation {number} is live, at position {position}.")


async def _status(settings: Settings, url: str) -> list[GenerationStatus]:
    async with open_log(settings, url) as log:
        return await read_status(log.pool)


async def _rebuild(settings: Settings, url: str, progress: Progress) -> tuple[int, int]:
    async with open_log(settings, url) as log:
        await _seal(log)
        builder = Builder(log.pool, log.store, on_progress=progress)
        await builder.ensure_live()
        generation = await builder.rebuild()
        return generation.number, generation.position


async def _seal(log: OpenLog) -> None:
    from events.sealer import Sealer

    await Sealer(log.pool, log.signal).seal()


@contextmanager
def _progress(as_json: bool) -> Iterator[Progress]:
    if as_json or not sys.stderr.isatty():
        yield _Lines(as_json)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    bar = Progress(
        "rebuilding",
        BarColumn(),
        MofNCompleteColumn(),
        "events",
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task("rebuild", total=None)
        yield lambda done, head: bar.update(task, completed=done, total=max(head, done))


class _Lines:
    """Progress as plain lines, or as JSON objects."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._started = time.monotonic()
        self._said_at = 0.0

    def __call__(self, done: int, head: int) -> None:
        now = time.monotonic()
        if done < head and now - self._said_at < LINE_SECONDS:
            return
        self._said_at = now
        rate = done / max(now - self._started, 0.001)
        if self._as_json:
            print_json({"event": "progress", "done": done, "head": head, "per_second": int(rate)})
        else:
            say(f"{done} of {head} events, {rate:,.0f} a second")


def _row_of(generation: GenerationStatus) -> dict[str, Any]:
    return {
        "generation": generation.generation,
        "state": generation.state,
        "is_current": generation.is_current,
        "position": generation.position,
        "head": generation.head,
        "lag": generation.head - generation.position,
        "parked": generation.parked,
        "last_error": generation.last_error,
    }
