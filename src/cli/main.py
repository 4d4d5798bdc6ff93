"""The command `verbatim`: noun, then verb. Data on stdout, talk on stderr."""

from __future__ import annotations

import sys

import typer

from auth.errors import AuthError
from cli import db, events, projections, serve, token
from cli.errors import CliError
from events.errors import EventError
from projections.errors import ProjectionError
from runtime.errors import VerbatimRuntimeError
from runtime.logs import configure_logs

app = typer.Typer(
    name="verbatim",
    help="An event-sourced chat backend.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("token")(token.token)
app.add_typer(db.app, name="db")
app.add_typer(events.app, name="events")
app.add_typer(projections.app, name="projections")


def main() -> int:
    """Exit code 0 is fine, 1 a finding or a failure, 2 wrong usage; never a traceback."""
    configure_logs("warning")
    try:
        app(standalone_mode=False)
    except typer.Exit as stop:
        return stop.exit_code
    except typer.Abort:
        return 130
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:
        return _explain(error)
    return 0


def _explain(error: Exception) -> int:
    show = getattr(error, "show", None)  # what click raises for wrong arguments
    if callable(show):
        show()
        return 2
    if isinstance(error, CliError):
        print(f"verbatim: {error}", file=sys.stderr)
        return error.exit_code
    if isinstance(error, (EventError, AuthError, ProjectionError, VerbatimRuntimeError)):
        for line in str(error).splitlines():
            print(f"verbatim: {line}", file=sys.stderr)
        return 1
    raise error
