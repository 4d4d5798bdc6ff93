"""`verbatim events`: the log as it stands."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.documents import Form
from cli.given_ids import conversation_id_of, run_id_of
from cli.opened import database_url, run, settings_of
from cli.replay_wanted import View, wanted_of
from cli.terminal import AsJson, DataDir, print_json, print_table

app = typer.Typer(help="The event log.", no_args_is_help=True)

Category = Annotated[
    list[str] | None, typer.Option(help="Only this category: conversation, task, user, ...")
]


@app.command("list")
def list_events(
    after: Annotated[int, typer.Option(help="Start after this log position.", min=0)] = 0,
    limit: Annotated[int, typer.Option(help="How many events.", min=1, max=10_000)] = 50,
    category: Category = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List sealed events in log order, without their content."""
    from cli.log_reading import read_rows

    settings = settings_of(data_dir)
    with database_url(settings) as url:
        rows = run(read_rows(settings, url, after, limit, category))
    if as_json:
        for row in rows:
            print_json(row)
    else:
        print_table(("position", "recorded_at", "stream_id", "version", "topic"), rows)


@app.command()
def show(
    position: Annotated[int, typer.Argument(help="Log position of the event.", min=1)],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Print one event with its content, as JSON: indented, or with --json on one line."""
    from cli.log_reading import read_event

    settings = settings_of(data_dir)
    with database_url(settings) as url:
        event = run(read_event(settings, url, position))
    print_json(event, is_indented=not as_json)


@app.command()
def replay(
    conversation: Annotated[str, typer.Argument(help="Id of the conversation.")],
    at: Annotated[
        str | None, typer.Option(help="Up to a version (12), a position (@340) or a time.")
    ] = None,
    view: Annotated[
        View, typer.Option("--as", help="Its events, or the messages as the API answered them.")
    ] = "events",
    branch: Annotated[str | None, typer.Option(help="For --as messages.")] = None,
    diff: Annotated[
        tuple[str, str] | None, typer.Option(metavar="A B", help="What changed between two points.")
    ] = None,
    form: Annotated[Form | None, typer.Option("--format", help="As --json, or to be read.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it goes on.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Print a conversation as it was: event by event, its messages, or what changed."""
    wanted = wanted_of(
        view=view,
        at=at,
        diff=diff,
        branch_id=branch,
        follow=follow,
        form=form,
        as_json=as_json,
    )
    conversation_id = conversation_id_of(conversation)
    from cli.replaying import replay_conversation

    settings = settings_of(data_dir)
    with database_url(settings) as url:
        run(replay_conversation(settings, url, conversation_id, wanted))


@app.command()
def trace(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="Id of the run.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Print what led to what in a run: message, attempts, model, tools, tasks, replies."""
    from cli.tracing import print_trace

    checked_id = run_id_of(run_id)
    settings = settings_of(data_dir)
    with database_url(settings) as url:
        run(print_trace(settings, url, checked_id, as_json))


@app.command()
def tail(
    after: Annotated[int | None, typer.Option(help="Start after this position.", min=0)] = None,
    category: Category = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Follow the whole log, without content, until interrupted."""
    from cli.log_reading import follow_log

    settings = settings_of(data_dir)
    with database_url(settings) as url:
        run(follow_log(settings, url, after, category, as_json))
