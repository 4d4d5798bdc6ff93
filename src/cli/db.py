"""`verbatim db`: the schema of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from cli.errors import Finding
from cli.opened import database_url, open_log, run, settings_of
from cli.terminal import AsJson, DataDir, print_json, print_text, say

if TYPE_CHECKING:
    from runtime.settings import Settings

app = typer.Typer(help="The database's schema.", no_args_is_help=True)


@app.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database to this release's schema and build its read tables."""
    from runtime.migrations import HEAD

    settings = settings_of(data_dir)
    with database_url(settings, creates=True) as url:
        has_moved = run(_migrate(settings, url))
    say(f"The database is at schema {HEAD}" + ("." if has_moved else " already."))


@app.command()
def check(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Say which schema the database is at; exit code 1 when it is not this release's."""
    from runtime.migrations import HEAD, current

    settings = settings_of(data_dir)
    with database_url(settings) as url:
        found = run(current(url, settings.database_start_timeout_seconds))
    if as_json:
        print_json({"found": found, "wanted": HEAD})
    else:
        print_text(f"schema {found or 'none'}, this release needs {HEAD}")
    if found != HEAD:
        raise Finding("The database is not at this release's schema: run `verbatim db migrate`.")


async def _migrate(settings: Settings, url: str) -> bool:
    """Whether the schema changed."""
    from events.sealer import Sealer
    from projections.building import Builder
    from runtime.migrations import migrate

    has_moved = await migrate(url, settings.database_start_timeout_seconds)
    async with open_log(settings, url) as log:
        await Sealer(log.pool, log.signal).seal()
        await Builder(log.pool, log.store).ensure_live()
    return has_moved
