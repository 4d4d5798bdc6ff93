"""The command `verbatim`: noun, then verb. Data on stdout, talk on stderr."""

from __future__ import annotations

import signal
import sys

import typer

from agent.errors import AgentError
from auth.errors import AuthError
from cli import audit, backup, db, events, parking, projections, runs, serve, token, usage, users
from cli.errors import CliError, OutputClosed
from events.errors import EventError
from projections.errors import ProjectionError
from runtime.errors import VerbatimRuntimeError

INTERRUPTED = 130
TERMINATED = 143

app = typer.Typer(
    name="verbatim",
    help="An event-sourced chat backend.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("token")(token.token)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("usage")(usage.usage)
app.add_typer(audit.app, name="audit")
app.add_typer(db.app, name="db")
app.add_typer(events.app, name="events")
projections.app.command("parked")(parking.parked)
projections.app.command("retry")(parking.retry)
app.add_typer(projections.app, name="projections")
app.add_typer(runs.app, name="runs")
app.add_typer(users.app, name="users")


def main() -> int:
    """Exit code 0 is fine, 1 a finding or a failure, 2 wrong usage; a traceback is a bug."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        # A number where the command was interrupted or printed its help.
        ended = app(standalone_mode=False, prog_name="verbatim")
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Exception as error:
        return _explain(error)
    return ended if isinstance(ended, int) else 0


def _terminate(_signal: int, _frame: object) -> None:
    """As an exception, so that an embedded server started for this command is stopped."""
    sys.exit(TERMINATED)


def _explain(error: Exception) -> int:
    match error:
        case OutputClosed():
            pass
        case CliError():
            _complain(str(error))
        case typer.TyperException():
            return _explain_usage(error)
        case AgentError() | EventError() | AuthError() | ProjectionError() | VerbatimRuntimeError():
            _complain(str(error))
        case _ if _is_disconnected(error):
            _complain(f"The connection to the database was lost ({type(error).__name__}).")
        case OSError():
            _complain(str(error))
        case _:
            raise error
    return getattr(error, "exit_code", 1)


def _explain_usage(error: typer.TyperException) -> int:
    told = " ".join(error.format_message().split())
    if told:  # without arguments, the help has been shown
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "verbatim"
        _complain(f"{told.rstrip('.')}. See `{command} --help`.")
    return 2


def _complain(text: str) -> None:
    for line in text.splitlines():
        print(f"verbatim: {line}", file=sys.stderr)


def _is_disconnected(error: Exception) -> bool:
    from events.group_commit import DISCONNECTED

    is_of_files = isinstance(error, OSError) and not isinstance(
        error, ConnectionError | TimeoutError
    )
    return isinstance(error, DISCONNECTED) and not is_of_files
