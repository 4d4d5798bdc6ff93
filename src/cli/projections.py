"""`verbatim projections`: the read tables, which the log can build again at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from cli.errors import Finding
from cli.opened import database_url, open_log, run, settings_of
from cli.progress import reporting
from cli.terminal import AsJson, DataDir, print_json, print_table, say

if TYPE_CHECKING:
    from cli.progress import Progress
    from projections.status import GenerationStatus
    from runtime.settings import Settings

app = typer.Typer(help="The read tables.", no_args_is_help=True)


@app.command()
def status(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show each generation: state, position, lag, parked streams, last error."""
    settings = settings_of(data_dir)
    with database_url(settings) as url:
        generations = run(_status(settings, url))
    rows = [_row_of(generation) for generation in generations]
    if as_json:
        for row in rows:
            print_json(row)
    else:
        columns = ("generation", "state", "position", "head", "lag", "parked", "last_error")
        print_table(columns, rows)


@app.command()
def rebuild(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Build the read tables anew beside the live ones, then swap them in."""
    settings = settings_of(data_dir)
    with database_url(settings) as url, reporting(as_json=as_json) as reporter:
        live = run(_rebuild(settings, url, reporter.of("rebuilding", "events")))
    if as_json:
        swapped = {"generation": live.generation, "position": live.position, "parked": live.parked}
        print_json({"event": "swapped", **swapped})
    else:
        say(f"Generation {live.generation} is live, at position {live.position}.")
    if live.parked:
        streams = "1 stream" if live.parked == 1 else f"{live.parked} streams"
        raise Finding(f"{streams} could not be applied and stay as they were: see the log above.")


async def _status(settings: Settings, url: str) -> list[GenerationStatus]:
    from projections.status import read_status

    async with open_log(settings, url) as log:
        return await read_status(log.pool)


async def _rebuild(settings: Settings, url: str, progress: Progress) -> GenerationStatus:
    from events.sealer import Sealer
    from projections.building import Builder
    from projections.status import read_status

    async with open_log(settings, url) as log:
        await Sealer(log.pool, log.signal).seal()
        builder = Builder(log.pool, log.store, on_progress=progress)
        await builder.ensure_live()
        live = await builder.rebuild()
        return next(g for g in await read_status(log.pool) if g.generation == live.number)


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
