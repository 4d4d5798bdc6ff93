"""What `verbatim events trace` does once the database is known."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cli.branch_marks import BranchMarks
from cli.errors import CliError
from cli.moments import Moment
from cli.opened import open_log
from cli.past_events import Readable, events_until, read_all
from cli.replay import describe, describe_erased, erased_json, json_of
from cli.run_trace import Step, calls_of, trace, walk
from cli.terminal import print_json, print_text, printable, say
from events import conversation as c
from events import task as t
from projections.run_streams import stream_of_run
from runtime.settings import Settings

if TYPE_CHECKING:
    from rich.tree import Tree

INDENT = "    "
#: Before the text of a line: position and time.
_MARGIN = " " * 31


async def print_trace(settings: Settings, url: str, run_id: str, as_json: bool) -> None:
    """Raises CliError without such a run."""
    async with open_log(settings, url) as log:
        stream_id = await stream_of_run(log.pool, run_id)
        if stream_id is None:
            raise CliError(f"There is no run {run_id}.")
        stream = await events_until(log, stream_id, Moment())
        owner_id = stream[0][0].owner_id
        effects = await log.store.effects_of(owner_id, run_id, calls_of(stream, run_id))
        steps = trace(stream, await read_all(log, effects), run_id)
    if as_json:
        print_json(_json(run_id, stream, steps))
        return
    if any(step.recorded is None for step in walk(steps)):
        say("Content was erased: what caused what within the run cannot be told any more.")
    _print_tree(steps) if sys.stdout.isatty() else _print_lines(steps, 0)


def _json(run_id: str, stream: Sequence[Readable], steps: Sequence[Step]) -> dict[str, Any]:
    marks = BranchMarks()
    branches = {one.event_id: marks.branch_of(one) for _, one in stream if one}
    first, _ = stream[0]
    return {
        "run_id": run_id,
        "conversation_id": c.id_of(first.stream_id),
        "owner_id": first.owner_id,
        "steps": [_step_json(step, branches) for step in steps],
    }


def _step_json(step: Step, branches: dict[str, str]) -> dict[str, Any]:
    recorded = step.recorded
    event = (
        json_of(recorded, branches.get(recorded.event_id)) if recorded else erased_json(step.stored)
    )
    return {**event, "caused": [_step_json(one, branches) for one in step.caused]}


def _print_lines(steps: Sequence[Step], depth: int) -> None:
    for step in steps:
        indent = INDENT * depth
        text = _words_of(step).replace("\n", f"\n{_MARGIN}{indent}")
        print_text(f"{_place_of(step)}  {indent}{text}")
        _print_lines(step.caused, depth + 1)


def _print_tree(steps: Sequence[Step]) -> None:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    def grow(tree: Tree, step: Step) -> None:
        label = Text.assemble(
            (f"{_place_of(step).strip()}  ", "dim"), Text(printable(_words_of(step)))
        )
        branch = tree.add(label)
        for one in step.caused:
            grow(branch, one)

    top = Tree("", hide_root=True)
    for step in steps:
        grow(top, step)
    Console().print(top)


def _place_of(step: Step) -> str:
    position = f"@{step.stored.position}" if step.stored.position else "@-"
    return f"{position:>8}  {step.stored.recorded_at:%Y-%m-%d %H:%M:%S}"


def _words_of(step: Step) -> str:
    if step.recorded is None:
        return describe_erased(step.stored)
    event = step.recorded.event
    said = describe(event)
    match event:
        case c.RunRequested(run_id=run_id, trigger=trigger):
            return f"run {run_id} requested ({trigger})"
        case c.ToolCalled(call_id=call_id):
            return f"{said} (call {call_id})"
        case _ if step.recorded.category == t.CATEGORY:
            return f"{said} ({step.stored.stream_id}, version {step.stored.stream_version})"
        case _:
            return said
