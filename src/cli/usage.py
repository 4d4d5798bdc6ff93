"""`verbatim usage`: what runs have used, added up."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.errors import Usage
from cli.opened import database_url, open_log, run, settings_of
from cli.terminal import AsJson, DataDir, print_json, print_table, say
from projections.usage_days import DAYS, first_day

if TYPE_CHECKING:
    from projections.usage_totals import Asked, UsageTotals
    from runtime.settings import Settings

PAGE_ROWS = 1_000
COLUMNS = ("runs", "requests", "input_tokens", "output_tokens")


def usage(
    user: Annotated[str | None, typer.Option(help="Of this user; of everybody without.")] = None,
    from_: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            formats=["%Y-%m-%d"],
            metavar="DAY",
            help=f"The first day, in UTC; {DAYS} days without.",
        ),
    ] = None,
    to: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DAY", help="The last day; today without."),
    ] = None,
    by: Annotated[
        Literal["day", "conversation", "model", "user"], typer.Option(help="What is added up.")
    ] = "day",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add up runs, calls of models and tokens, of deleted conversations too."""
    asked = _asked(user, from_, to, by)
    settings = settings_of(data_dir)
    with database_url(settings) as url:
        pages, uncounted = run(_read(settings, url, asked))
    rows = [{asked.by: row.key, **_numbers(row)} for page in pages for row in page.rows]
    if as_json:
        for row in rows:
            print_json(row)
    else:
        total = {asked.by: "total", **_numbers(pages[0].total)}
        print_table((asked.by, *COLUMNS), [*rows, total])
    if uncounted:
        say(f"The newest {uncounted} events of the log are not counted yet.")


def _asked(
    user: str | None,
    from_: datetime | None,
    to: datetime | None,
    by: Literal["day", "conversation", "model", "user"],
) -> Asked:
    from projections.usage_totals import Asked

    last = to.date() if to else datetime.now(UTC).date()
    first = from_.date() if from_ else first_day(last)
    if first > last:
        raise Usage(f"--from {first} lies after --to {last}.")
    return Asked(by=by, from_day=first, to_day=last, owner_id=user)


async def _read(settings: Settings, url: str, asked: Asked) -> tuple[list[UsageTotals], int]:
    """The pages, one at least, and how many events of the log are not in them."""
    from projections.usage_totals import read_totals

    async with open_log(settings, url) as log:
        pages = [await read_totals(log.pool, asked, limit=PAGE_ROWS)]
        while pages[-1].after is not None:
            pages.append(await read_totals(log.pool, asked, limit=PAGE_ROWS, after=pages[-1].after))
        head, _ = await log.store.head()
    return pages, head - pages[0].position


def _numbers(used: Any) -> dict[str, int]:
    numbers = asdict(used)
    return {name: numbers[name] for name in COLUMNS}
