"""`verbatim runs`: what a run was given."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.given_ids import run_id_of
from cli.opened import database_url, run, settings_of
from cli.terminal import AsJson, DataDir

app = typer.Typer(help="The agent's runs.", no_args_is_help=True)


# Without it the group's only command would take the group's name.
@app.callback()
def runs() -> None:
    pass


@app.command()
def context(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="Id of the run.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Print what the model was given at each attempt, and check it against the recorded hash."""
    from cli.run_contexts import print_contexts

    checked_id = run_id_of(run_id)
    settings = settings_of(data_dir)
    with database_url(settings) as url:
        run(print_contexts(settings, url, checked_id, as_json))
