"""`verbatim projections`: the read tables, which the log can build again at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import Finding, Usage
from cli.opened import database_url, open_log, run, settings_of
from cli.progress import reporting
from cli.terminal import AsJson, DataDir, print_json, print_table, print_text, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.progress import Reporter
    from projections.comparing import Difference
    from projections.generations import Generation
    from projections.status import GenerationStatus
    from projections.verifying import Verified
    from runtime.settings import Settings

app = typer.Typer(help="The read tables.", no_args_is_help=True)

#: Of what differs, on a terminal; JSON has all that are named.
SHOWN = 20
STATUS_COLUMNS = (
    "generation",
    "state",
    "position",
    "head",
    "lag",
    "lag_seconds",
    "parked",
    "rebuild",
    "last_error",
)

Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes that share the work; default: one a core.")
]


@app.command()
def status(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show each generation: state, checkpoint, lag, parked streams, rebuild, last error."""
    settings = settings_of(data_dir)
    with database_url(settings) as url:
        generations = run(_status(settings, url))
    if as_json:
        for generation in generations:
            print_json(_status_row(generation))
    else:
        print_table(STATUS_COLUMNS, [_status_cells(generation) for generation in generations])


@app.command()
def rebuild(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Tables known to be damaged: they may differ from the live ones."),
    ] = None,
    swap_anyway: Annotated[
        bool, typer.Option("--swap-anyway", help="Swap even where the live tables differ.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew what an earlier rebuild left unfinished.")
    ] = False,
    workers: Workers = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Build the read tables anew beside the live ones, compare, then swap them in."""
    from cli.rebuilding import Rebuilding

    _check_names(names or [])
    settings = settings_of(data_dir)
    with database_url(settings) as url, reporting(as_json=as_json) as reporter:
        rebuilding = Rebuilding(
            reporter, set(names or []), is_fresh=fresh, swaps_anyway=swap_anyway, workers=workers
        )
        live = run(rebuilding.run(settings, url))
    _tell_differences(rebuilding.differences, as_json)
    if live is None:
        raise Finding(
            f"{len(rebuilding.differences)} places differ, so nothing was swapped. Name the tables "
            "that are damaged, or give --swap-anyway: what was built is kept for a day."
        )
    if as_json:
        swapped = {"generation": live.generation, "position": live.position, "parked": live.parked}
        print_json({"event": "swapped", **swapped})
    else:
        say(f"Generation {live.generation} is live, at position {live.position}.")
    if live.parked:
        streams = "1 stream" if live.parked == 1 else f"{live.parked} streams"
        raise Finding(f"{streams} could not be applied and stay as they were: see the log above.")


@app.command()
def verify(
    sample: Annotated[
        int | None, typer.Option(min=1, help="Only so many streams, chosen by chance.")
    ] = None,
    workers: Workers = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Fold the log again and compare: exit code 1 and the first place, where a row differs."""
    settings = settings_of(data_dir)
    with database_url(settings) as url, reporting(as_json=as_json) as reporter:
        verified = run(verify_tables(settings, url, reporter, sample, workers))
    _tell_differences(verified.differences, as_json)
    counts = {"streams": verified.streams, "events": verified.events, "rows": verified.rows}
    if as_json:
        print_json({"event": "verified", **counts, "differences": verified.count})
    else:
        say(f"{verified.streams:,} streams with {verified.events:,} events were folded again.")
    if verified.count:
        first = verified.differences[0]
        raise Finding(
            f"{verified.count} rows differ from the log, first {first.stream_id} at position "
            f"{first.position}: `verbatim projections rebuild` mends them."
        )


@app.command()
def rollback(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Make the generation that was live before the last swap live again."""
    settings = settings_of(data_dir)
    with database_url(settings) as url:
        live = run(_roll_back(settings, url))
    if as_json:
        print_json({"event": "swapped", "generation": live.number, "position": live.position})
    else:
        say(f"Generation {live.number} is live again, at position {live.position}.")


async def _status(settings: Settings, url: str) -> list[GenerationStatus]:
    from projections.status import read_status

    async with open_log(settings, url) as log:
        return await read_status(log.pool)


async def verify_tables(
    settings: Settings, url: str, reporter: Reporter, sample: int | None, workers: int | None
) -> Verified:
    from cli.crew import open_crew
    from projections.verification import verify

    async with open_log(settings, url) as log:
        head, _ = await log.store.head()
        unit = "events" if sample is None else "streams"
        with open_crew(settings, url, log, workers, 0 if sample else head) as crew:
            on_progress = reporter.of("verifying", unit)
            return await verify(log.pool, crew, sample=sample, on_progress=on_progress)


async def _roll_back(settings: Settings, url: str) -> Generation:
    from events.sealer import Sealer
    from projections.building import Builder

    async with open_log(settings, url) as log:
        sealer = Sealer(log.pool, log.signal)
        await sealer.seal()
        live = await Builder(log.pool, log.store).roll_back()
        await sealer.seal()
        return live


def _check_names(names: Sequence[str]) -> None:
    from projections.fold import MODELS

    known = [model.name for model in MODELS]
    if unknown := [name for name in names if name not in known]:
        raise Usage(f"There is no read table {unknown[0]}: there are {', '.join(known)}.")


def _tell_differences(differences: Sequence[Difference], as_json: bool) -> None:
    for difference in differences if as_json else differences[:SHOWN]:
        if as_json:
            print_json({"event": "difference", **_difference_row(difference)})
        else:
            print_text(_sentence(difference))
    if not as_json and len(differences) > SHOWN:
        print_text(f"… and {len(differences) - SHOWN} more")


def _difference_row(difference: Difference) -> dict[str, Any]:
    return {
        "stream_id": difference.stream_id,
        "position": difference.position,
        "table": difference.table,
        "row_id": difference.row_id,
        "kind": difference.kind,
        "fields": list(difference.fields),
    }


def _sentence(difference: Difference) -> str:
    at = f" at position {difference.position}" if difference.position is not None else ""
    row = f": {difference.table} {difference.row_id}" if difference.table else ""
    fields = f" ({', '.join(difference.fields)})" if difference.fields else ""
    return f"{difference.stream_id}{at}{row} is {difference.kind}{fields}"


def _status_row(status: GenerationStatus) -> dict[str, Any]:
    return {
        "generation": status.generation,
        "state": status.state,
        "is_current": status.is_current,
        "position": status.position,
        "head": status.head,
        "lag": status.head - status.position,
        "lag_seconds": round(status.lag_seconds, 3),
        "parked": status.parked,
        "swapped_at": status.swapped_at,
        "is_being_built": status.is_being_built,
        "applied": status.applied,
        "events": status.events,
        "last_error": status.last_error,
    }


def _status_cells(status: GenerationStatus) -> dict[str, Any]:
    row = _status_row(status)
    return row | {"lag_seconds": f"{status.lag_seconds:.0f}", "rebuild": _progress_of(status)}


def _progress_of(status: GenerationStatus) -> str | None:
    if status.applied is None:
        return None
    share = status.applied / status.events if status.events else 0.0
    return f"{share:.0%}" if status.is_being_built else f"broken off at {share:.0%}"
