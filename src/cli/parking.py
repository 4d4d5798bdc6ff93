"""`verbatim projections parked` and `retry`: streams that the read tables could not take."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import Finding
from cli.opened import appending, database_url, open_log, run, settings_of
from cli.terminal import AsJson, DataDir, print_json, print_table, print_text, say

if TYPE_CHECKING:
    from cli.opened import OpenLog
    from projections.parking import ParkedStream
    from runtime.settings import Settings

COLUMNS = ("stream_id", "position", "event", "error", "parked_at", "missing")


def parked(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the streams with an event that the live read tables could not take."""
    settings = settings_of(data_dir)
    with database_url(settings) as url:
        rows = [_row_of(stream) for stream in run(_parked(settings, url))]
    if as_json:
        for row in rows:
            print_json(row)
    else:
        print_table(COLUMNS, rows)


def retry(
    conversation: Annotated[
        str | None, typer.Argument(help="Its id, or a parked stream's; without, all that are.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Fold parked streams anew; exit code 1 when one stays parked."""
    settings = settings_of(data_dir)
    with database_url(settings) as url:
        outcomes = run(_retry(settings, url, conversation))
    for stream_id, failure in outcomes.items():
        if as_json:
            print_json({"stream_id": stream_id, "is_retried": failure is None, "error": failure})
        else:
            print_text(failure or f"{stream_id} is up to date again.")
    if not outcomes:
        say("Nothing is parked.")
    still = sum(failure is not None for failure in outcomes.values())
    if still:
        raise Finding(f"Still parked: {still} of {len(outcomes)}.")


async def _parked(settings: Settings, url: str) -> list[ParkedStream]:
    async with open_log(settings, url) as log:
        return await _parked_in(log)


async def _parked_in(log: OpenLog) -> list[ParkedStream]:
    from projections.generations import definition, live_generation
    from projections.parking import parked_streams

    live = await live_generation(log.pool, definition())
    return await parked_streams(log.pool, live) if live else []


async def _retry(settings: Settings, url: str, wanted: str | None) -> dict[str, str | None]:
    """By stream why it stays parked, None where it does not."""
    from projections.errors import RetryFailed
    from projections.generations import definition
    from projections.parking import retry_everywhere

    outcomes: dict[str, str | None] = {}
    async with open_log(settings, url) as log, _recording(log):
        for stream_id in _chosen(await _parked_in(log), wanted):
            try:
                await retry_everywhere(log.pool, log.store, definition(), stream_id)
                outcomes[stream_id] = None
            except RetryFailed as error:
                outcomes[stream_id] = str(error)
    return outcomes


def _chosen(parked: Sequence[ParkedStream], wanted: str | None) -> list[str]:
    streams = [stream.stream_id for stream in parked]
    if wanted is None:
        return streams
    named = [stream for stream in streams if wanted in (stream, stream.partition("-")[2])]
    if not named:
        raise Finding(f"{wanted} is not parked: see `verbatim projections parked`.")
    return named


@asynccontextmanager
async def _recording(log: OpenLog) -> AsyncIterator[None]:
    """Appends to the log what was retried inside, whatever became of the rest."""
    from projections.recording import ParkingRecorder

    async with appending(log):
        try:
            yield
        finally:
            await ParkingRecorder(log.pool, log.store).record()


def _row_of(stream: ParkedStream) -> dict[str, Any]:
    return {
        "stream_id": stream.stream_id,
        "owner_id": stream.owner_id,
        "position": stream.position,
        "stream_version": stream.stream_version,
        "event": stream.topic,
        "error": stream.error,
        "parked_at": stream.parked_at,
        "missing": stream.missing,
    }
