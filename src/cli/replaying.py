"""What `verbatim events replay` does once the database is known."""

from __future__ import annotations

from cli.branch_marks import BranchMarks
from cli.documents import Document, Entry, rendered
from cli.errors import CliError
from cli.log_reading import replay_stream
from cli.moments import Moment
from cli.opened import OpenLog, open_log
from cli.past_events import Readable, pages_until
from cli.replay import describe, describe_erased
from cli.replay_wanted import Wanted
from cli.terminal import print_text
from events import conversation as c
from runtime.settings import Settings


async def replay_conversation(
    settings: Settings, url: str, conversation_id: str, wanted: Wanted
) -> None:
    async with open_log(settings, url) as log:
        stream_id = c.stream_of(conversation_id)
        if wanted.diff is not None or wanted.view == "messages":
            # With the API's own models, which bring its libraries along.
            from cli.replayed_messages import print_replayed

            await print_replayed(log, stream_id, wanted)
        elif wanted.form in ("text", "json"):
            is_json = wanted.form == "json"
            await replay_stream(log, conversation_id, wanted.at, wanted.follow, is_json)
        else:
            document = await _events_document(log, stream_id, wanted.at)
            print_text(rendered(document, wanted.form))


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
