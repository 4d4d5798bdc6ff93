"""What became other in a conversation between two points of its stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from api.message_shapes import shown, shown_call
from cli.documents import Document, Entry
from cli.snapshots import Snapshot, call_detail, message_entry
from events.conversation import MAIN_BRANCH, id_of
from projections.messages import MessageRow, ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    #: state | title | branch | message_added | content | status | tool_called | tool_status
    kind: str
    #: Null where nothing was before.
    before: Any
    after: Any
    message_id: str | None = None
    call_id: str | None = None
    entry: Entry


def changes(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    """On every branch. Of a conversation that was deleted or erased that is all there is to say."""
    if before.state != after.state:
        yield _of_all("state", before.state, after.state)
    if after.conversation is None or after.state == "deleted":
        return
    if before.title != after.title:
        yield _of_all("title", before.title, after.title)
    was = before.conversation.row.branch_id if before.conversation else MAIN_BRANCH
    if was != after.conversation.row.branch_id:
        yield _of_all("branch", was, after.conversation.row.branch_id)
    known = {m.id: m for m in before.conversation.messages} if before.conversation else {}
    for message in after.conversation.messages:
        yield from _of_message(known.get(message.id), message)


def change_json(change: Change) -> dict[str, Any]:
    told = asdict(change)
    del told["entry"]
    return told


def difference_document(before: Snapshot, after: Snapshot) -> Document:
    conversation_id = id_of(after.stream_id)
    facts = {"conversation_id": conversation_id, "from": _point(before), "to": _point(after)}
    found = [change.entry for change in changes(before, after)]
    return Document(after.title or f"Conversation {conversation_id}", facts, found)


def _of_all(kind: str, before: str, after: str) -> Change:
    entry = Entry(f"{kind} changed", f"{before} → {after}")
    return Change(kind=kind, before=before, after=after, entry=entry)


def _of_message(before: MessageRow | None, after: MessageRow) -> Iterator[Change]:
    if before is None:
        entry = message_entry(after)
        head = f"message added on branch {after.branch_id} · {entry.head}"
        yield Change(
            kind="message_added",
            message_id=after.id,
            before=None,
            after=shown(after).model_dump(mode="json"),
            entry=Entry(head, entry.text, entry.kind, entry.details),
        )
        return
    for kind, was, now in (
        ("content", before.content, after.content),
        ("status", before.status, after.status),
    ):
        if was != now:
            head = f"{kind} changed · {after.role} · message {after.id}"
            entry = Entry(head, f"{was}\n→ {now}", after.role)
            yield Change(kind=kind, message_id=after.id, before=was, after=now, entry=entry)
    yield from _of_calls(before, after)


def _of_calls(before: MessageRow, after: MessageRow) -> Iterator[Change]:
    known = {call.call_id: call for call in before.tool_calls}
    for call in after.tool_calls:
        was = known.get(call.call_id)
        if was != call:
            yield _of_call(after, was, call)


def _of_call(message: MessageRow, before: ToolCall | None, after: ToolCall) -> Change:
    verb = "called" if before is None else f"{before.status} → {after.status}"
    head = f"tool {after.name} {verb} · message {message.id}"
    return Change(
        kind="tool_called" if before is None else "tool_status",
        message_id=message.id,
        call_id=after.call_id,
        before=shown_call(before).model_dump(mode="json") if before else None,
        after=shown_call(after).model_dump(mode="json"),
        entry=Entry(head, "", message.role, [call_detail(after)]),
    )


def _point(snapshot: Snapshot) -> str:
    if snapshot.last is None:
        return "before its beginning"
    return f"version {snapshot.last.stream_version}, {snapshot.last.recorded_at:%Y-%m-%d %H:%M:%S}"
