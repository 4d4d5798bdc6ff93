"""What `verbatim events replay` does once the database is known."""

from __future__ import annotations

from cli.branch_marks import BranchMarks
from cli.differences import change_json, changes, difference_document
from cli.documents import Document, Entry, rendered
from cli.errors import CliError, Usage
from cli.log_reading import replay_stream
from cli.moments import Moment
from cli.opened import OpenLog, open_log
from cli.past_events import Readable, pages_until
from cli.replay import describe, describe_erased
from cli.replay_wanted import Wanted
from cli.snapshots import snapshot, snapshot_document, snapshot_json
from cli.terminal import print_json, print_text
from events import conversation as c
from projections.errors import UnknownBranch
from runtime.settings import Settings


async def replay_conversation(
    settings: Settings, url: str, conversation_id: str, wanted: Wanted
) -> None:
    async with open_log(settings, url) as log:
        stream_id = c.stream_of(conversation_id)
        if wanted.diff is not None:
            await _print_difference(log, stream_id, wanted.diff, wanted)
        elif wanted.view == "messages":
            await _print_messages(log, stream_id, wanted)
        elif wanted.form in ("text", "json"):
            is_json = wanted.form == "json"
            await replay_stream(log, conversation_id, wanted.at, wanted.follow, is_json)
        else:
            document = await _events_document(log, stream_id, wanted.at)
            print_text(rendered(document, wanted.form))


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


async def _events_document(log: OpenLog, stream_id: str, moment: Moment) -> Document:
    pages = [page async for page in pages_until(log, stream_id, moment)]
    if not pages:
        raise CliError(f"There is no conversation {c.id_of(stream_id)}.")
    readable = [one for page in pages for one in page]
    titles = [
        one.event.title
        for _, one in readable
        if one and isinstance(one.event, c.Started | c.Renamed)
    ]
    conversation_id = c.id_of(stream_id)
    title = (titles[-1] if titles else "") or f"Conversation {conversation_id}"
    facts = {"conversation_id": conversation_id, "events": len(readable)}
    marks = BranchMarks()
    return Document(title, facts, [_entry(one, marks) for one in readable])


def _entry(readable: Readable, marks: BranchMarks) -> Entry:
    stored, recorded = readable
    head = f"{stored.stream_version} · {stored.recorded_at:%Y-%m-%d %H:%M:%S}"
    if recorded is None:
        return Entry(head, describe_erased(stored))
    is_users = isinstance(recorded.event, c.UserMessagePosted)
    mark = marks.mark_of(marks.branch_of(recorded))
    return Entry(head, mark + describe(recorded.event), "user" if is_users else "event")
