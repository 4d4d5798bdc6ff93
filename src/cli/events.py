"""`verbatim events`: the log as it stands."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

import typer

from cli.errors import CliError, Usage
from cli.moments import Moment, parse_moment
from cli.opened import OpenLog, database_url, open_log, run, settings_of
from cli.replay import json_of, line_of
from cli.terminal import AsJson, DataDir, print_json, print_table, print_text, say
from events.conversation import stream_of
from events.errors import ContentErased
from events.store import PAGE_EVENTS
from events.stored import RecordedEvent, StoredEvent
from events.subscription import subscribe
from runtime.settings import Settings

app = typer.Typer(help="The event log.", no_args_is_help=True)

#: How often a follower looks by itself where no LISTEN is to be had.
FOLLOW_SECONDS = 1.0

Show = Callable[[RecordedEvent], None]


@app.command("list")
def list_events(
    after: Annotated[int, typer.Option(help="Start after this log position.", min=0)] = 0,
    limit: Annotated[int, typer.Option(help="How many events.", min=1, max=10_000)] = 50,
    category: Annotated[list[str] | None, typer.Option(help="Only this category.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List sealed events in log order, without their content."""
    settings = settings_of(data_dir)
    with database_url(settings) as url:
        stored = run(_list(settings, url, after, limit, category))
    rows = [_row_of(event) for event in stored]
    if as_json:
        for row in rows:
            print_json(row)
    else:
        print_table(("position", "recorded_at", "stream_id", "version", "topic"), rows)


@app.command()
def show(
    position: Annotated[int, typer.Argument(help="Log position of the event.", min=1)],
    data_dir: DataDir = None,
) -> None:
    """Print one event with its content, as JSON."""
    settings = settings_of(data_dir)
    with database_url(settings) as url:
        print_json(json_of(run(_show(settings, url, position))))


@app.command()
def replay(
    conversation: Annotated[str, typer.Argument(help="Id of the conversation.")],
    at: Annotated[
        str | None, typer.Option(help="Up to a version (12), a position (@340) or a time.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it goes on.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Print a conversation as it was, event by event."""
    moment = parse_moment(at)
    if follow and at is not None:
        raise Usage("--follow and --at exclude each other.")
    stream_id = stream_of(_conversation_id(conversation))
    settings = settings_of(data_dir)
    with database_url(settings) as url:
        run(_replay(settings, url, stream_id, moment, follow, _printer(as_json)))


@app.command()
def tail(
    after: Annotated[int | None, typer.Option(help="Start after this position.", min=0)] = None,
    category: Annotated[list[str] | None, typer.Option(help="Only this category.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Follow the whole log, without content, until interrupted."""
    settings = settings_of(data_dir)
    with database_url(settings) as url:
        run(_tail(settings, url, after, category, as_json))


async def _list(
    settings: Settings, url: str, after: int, limit: int, categories: Sequence[str] | None
) -> list[StoredEvent]:
    async with open_log(settings, url) as log:
        return await log.store.read_log(after, limit=limit, categories=categories)


async def _show(settings: Settings, url: str, position: int) -> RecordedEvent:
    async with open_log(settings, url) as log:
        stored = await log.store.read_log(position - 1, up_to_position=position, limit=1)
        if not stored:
            raise CliError(f"There is no event at position {position}.")
        return (await log.store.decode(stored))[0]


async def _replay(
    settings: Settings, url: str, stream_id: str, moment: Moment, follow: bool, show: Show
) -> None:
    async with open_log(settings, url) as log:
        version = await _print_stream(log, stream_id, 0, moment, show)
        if not version and not follow:
            raise CliError(f"There is no conversation {stream_id.partition('-')[2]}.")
        if follow:
            async with _listening(log):
                await _follow(log, stream_id, version, show)


async def _follow(log: OpenLog, stream_id: str, version: int, show: Show) -> None:
    while True:
        head = log.signal.head
        version = await _print_stream(log, stream_id, version, Moment(), show)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if log.listener else FOLLOW_SECONDS):
                await log.signal.wait_beyond(head)


async def _print_stream(
    log: OpenLog, stream_id: str, after_version: int, moment: Moment, show: Show
) -> int:
    """Prints a stream from a version to a point; answers the last version read."""
    version = after_version
    async for page in log.store.stored_stream(stream_id, after_version=after_version):
        for stored in page:
            if moment.has_passed(stored):
                return version or stored.stream_version
            try:
                (recorded,) = await log.store.decode([stored])
            except ContentErased:
                say(f"{stored.stream_version:>5}  {stored.topic}: the content was erased")
            else:
                show(recorded)
            version = stored.stream_version
    return version


async def _tail(
    settings: Settings, url: str, after: int | None, categories: Sequence[str] | None, as_json: bool
) -> None:
    async with open_log(settings, url) as log, _listening(log):
        start = (await log.store.head())[0] if after is None else after
        log.signal.advance((await log.store.head())[0])
        async for batch in subscribe(
            log.store, log.signal, start, categories=categories, limit=PAGE_EVENTS
        ):
            for event in batch:
                row = _row_of(event)
                if as_json:
                    print_json(row)
                else:
                    print_text("\t".join(str(value) for value in row.values()))


@asynccontextmanager
async def _listening(log: OpenLog) -> AsyncIterator[None]:
    listening = asyncio.create_task(log.listener.run()) if log.listener else None
    try:
        yield
    finally:
        if listening is not None:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


def _printer(as_json: bool) -> Show:
    if as_json:
        return lambda recorded: print_json(json_of(recorded))
    return lambda recorded: print_text(line_of(recorded))


def _row_of(event: StoredEvent) -> dict[str, Any]:
    return {
        "position": event.position,
        "recorded_at": event.recorded_at.isoformat(timespec="milliseconds"),
        "stream_id": event.stream_id,
        "version": event.stream_version,
        "topic": event.topic,
    }


def _conversation_id(text: str) -> str:
    try:
        return str(UUID(text.removeprefix("conversation-")))
    except ValueError:
        raise Usage(f"{text!r} is no conversation id: it is a UUID.") from None
