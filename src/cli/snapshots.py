"""A conversation as the history API answered it at a point of its stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api.message_shapes import MessagePage, shown
from cli.documents import Document, Entry
from cli.errors import CliError
from cli.moments import Moment
from cli.opened import OpenLog
from cli.past_events import stored_until
from events.conversation import MAIN_BRANCH, id_of
from events.stored import StoredEvent
from projections.conversations import DELETED
from projections.messages import MessageRow, ToolCall
from projections.past import PastConversation, past_conversation


@dataclass(frozen=True, slots=True)
class Snapshot:
    stream_id: str
    #: The last event up to the point; None where nothing had happened yet.
    last: StoredEvent | None
    #: None where nothing had happened yet, and where the content was erased.
    conversation: PastConversation | None

    @property
    def state(self) -> str:
        """absent | active | deleted | erased"""
        if self.last is None:
            return "absent"
        if self.conversation is None:
            return "erased"
        return "deleted" if self.conversation.row.status == DELETED else "active"

    @property
    def title(self) -> str:
        return self.conversation.row.title if self.conversation else ""


async def snapshot(log: OpenLog, stream_id: str, moment: Moment) -> Snapshot:
    """Raises CliError where there is no such conversation at all."""
    pages = [page async for page in stored_until(log, stream_id, moment)]
    if not pages:
        raise CliError(f"There is no conversation {id_of(stream_id)}.")
    stored = [one for page in pages for one in page]
    if not stored:
        return Snapshot(stream_id, None, None)
    return Snapshot(stream_id, stored[-1], await past_conversation(stored, log.keys))


def snapshot_json(snapshot: Snapshot, branch_id: str | None) -> dict[str, Any]:
    """The page of messages, whole, as the API answered it, and what it was a page of."""
    last, past = snapshot.last, snapshot.conversation
    page = MessagePage(
        data=[shown(row) for row in _messages(snapshot, branch_id)],
        has_more=False,
        after=None,
        stale=past.is_stale if past else False,
        branch_id=branch_id or (past.row.branch_id if past else MAIN_BRANCH),
    )
    return {
        "conversation_id": id_of(snapshot.stream_id),
        "state": snapshot.state,
        "version": last.stream_version if last else 0,
        "position": last.position if last else None,
        "recorded_at": last.recorded_at.isoformat() if last else None,
        "title": snapshot.title,
        **page.model_dump(mode="json"),
    }


def snapshot_document(snapshot: Snapshot, branch_id: str | None) -> Document:
    told = snapshot_json(snapshot, branch_id)
    facts = {name: told[name] for name in ("conversation_id", "state", "version", "position")}
    facts |= {"recorded at": told["recorded_at"], "branch": told["branch_id"]}
    if told["stale"]:
        facts["stale"] = "newer events could not be shown"
    entries = [message_entry(row) for row in _messages(snapshot, branch_id)]
    return Document(snapshot.title or f"Conversation {told['conversation_id']}", facts, entries)


def message_entry(row: MessageRow) -> Entry:
    head = f"{row.role} · {row.created_at:%Y-%m-%d %H:%M:%S}"
    if row.status != "completed":
        head += f" · {row.status}"
    if row.siblings:
        head += f" · {row.siblings.number} of {row.siblings.count}"
    return Entry(head, row.content, row.role, [call_detail(call) for call in row.tool_calls])


def call_detail(call: ToolCall) -> tuple[str, str]:
    """What it was called with and what came of it, below its name and status."""
    outcome = call.output if call.error is None else call.error
    said = call.arguments if outcome is None else f"{call.arguments}\n→ {outcome}"
    return f"tool {call.name} · {call.status}", said


def _messages(snapshot: Snapshot, branch_id: str | None) -> list[MessageRow]:
    if snapshot.conversation is None or snapshot.state == "deleted":
        return []
    return snapshot.conversation.page(branch_id)
