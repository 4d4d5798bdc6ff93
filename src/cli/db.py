"""`verbatim db`: the schema of the database."""

from __future__ import annotations

import typer

from cli.errors import Finding
from cli.opened import database_url, run, settings_of
from cli.terminal import AsJson, DataDir, print_json, print_text, say
from runtime import migrations

app = typer.Typer(help="The database's schema.", no_args_is_help=True)


@app.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database to this release's schema and build its read tables."""
    settings = settings_of(data_dir)
    with database_url(settings) as url:
        has_moved = run(migrations.migrate(url))
    say(f"The database is at schema {migrations.HEAD}" + ("." if has_moved else " already."))


@app.command()
def check(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Say which schema the database is at; exit code 1 when it is not this release's."""
    settings = settings_of(data_dir)
    with database_url(settings) as url:
        found = run(migrations.current(url))
    if as_json:
        print_json({"found": found, "wanted": migrations.HEAD})
    else:
        print_text(f"schema {found or 'none'}, this release needs {migrations.HEAD}")
    if found != migrations.HEAD:
        raise Finding("The database is not at this release's schema: run `verbatim db migrate`.")
