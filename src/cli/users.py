"""`verbatim users`: what is held on a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.opened import appending, database_url, open_log, run, settings_of
from cli.terminal import AsJson, DataDir, ask, print_json, say

if TYPE_CHECKING:
    from agent.erasing import Erasure
    from runtime.settings import Settings

app = typer.Typer(help="The users.", no_args_is_help=True)

OPERATOR = "operator"


# Without it the group's only command would take the group's name.
@app.callback()
def users() -> None:
    pass


@app.command()
def erase(
    user: Annotated[str, typer.Argument(metavar="ID", help="The user's id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Erase without asking.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make everything a user wrote and read unreadable, for good; the log stays provable."""
    ask(f"Nobody will be able to read what {user} wrote and read.", "Erase it?", yes)
    settings = settings_of(data_dir)
    with database_url(settings) as url:
        erasure = run(_erase(settings, url, user))
    if as_json:
        print_json({"user_id": user, "keys": erasure.keys, "runs": erasure.runs})
    else:
        say(f"Erased: {erasure.keys} keys destroyed, {erasure.runs} runs stopped.")


async def _erase(settings: Settings, url: str, user_id: str) -> Erasure:
    from agent.erasing import Eraser

    async with open_log(settings, url) as log, appending(log):
        return await Eraser(log.pool, log.store).erase(user_id, OPERATOR)
