"""What `verbatim events replay` prints of messages: as they were at a point, or what changed."""

from __future__ import annotations

from cli.differences import change_json, changes, difference_document
from cli.documents import rendered
from cli.errors import CliError, Usage
from cli.moments import Moment
from cli.opened import OpenLog
from cli.replay_wanted import Wanted
from cli.snapshots import snapshot, snapshot_document, snapshot_json
from cli.terminal import print_json, print_text
from events import conversation as c
from projections.errors import UnknownBranch


async def print_replayed(log: OpenLog, stream_id: str, wanted: Wanted) -> None:
    if wanted.diff is not None:
        await _print_difference(log, stream_id, wanted.diff, wanted)
    else:
        await _print_messages(log, stream_id, wanted)


async def _print_messages(log: OpenLog, stream_id: str, wanted: Wanted) -> None:
    found = await snapshot(log, stream_id, wanted.at)
    if found.state == "absent":
        raise CliError(f"Conversation {c.id_of(stream_id)} had not begun at that point.")
    try:
        if wanted.form == "json":
            print_json(snapshot_json(found, wanted.branch_id))
        else:
            print_text(rendered(snapshot_document(found, wanted.branch_id), wanted.form))
    except UnknownBranch:
        raise CliError(f"There was no branch {wanted.branch_id} at that point.") from None


async def _print_difference(
    log: OpenLog, stream_id: str, points: tuple[Moment, Moment], wanted: Wanted
) -> None:
    before, after = [await snapshot(log, stream_id, point) for point in points]
    if (before.last.stream_version if before.last else 0) > (
        after.last.stream_version if after.last else 0
    ):
        raise Usage("The first point lies after the second.")
    if wanted.form == "json":
        for change in changes(before, after):
            print_json(change_json(change))
    else:
        print_text(rendered(difference_document(before, after), wanted.form))
