"""ChatKit's store: reads from the read tables, writes as commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import orjson
from chatkit.store import Store, StoreItemType
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter

from agent.deleting import delete_conversation
from api.attachments import attachment_of, described, parse_attachment_id, with_previews
from api.chatkit_requests import ID_CHARACTERS
from api.errors import NotFound
from api.ownership import NO_CONVERSATION, own_conversation
from auth.principal import Principal
from commands.conversation import (
    CONVERSATION,
    ConversationCommand,
    PutItem,
    RemoveItem,
    Rename,
)
from commands.conversation_state import ConversationState
from commands.handle import Handled, Origin
from events.conversation import stream_of
from events.ids import new_id
from events.storable import is_storable
from projections.conversations import ConversationRow
from projections.pages import Order
from projections.read_models import ReadModels
from projections.rows import Siblings
from projections.thread_items import ThreadItemRow
from runtime.node import Node

_items: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)


@dataclass(slots=True)
class ChatContext:
    """One request: whose it is, and what it has read and written so far."""

    user: Principal
    #: Where uploads go: the server's own address as the client sees it.
    base_url: str = ""
    #: For a request that shows and changes nothing: perhaps a replica's.
    reads: ReadModels | None = None
    #: The client asked for more than the protocol has.
    tells_more: bool = False
    conversation: ConversationRow | None = None
    #: Newer events of what was read could not be shown.
    is_stale: bool = False
    #: Which branch was shown, and by item what stands in the same place.
    branch_id: str | None = None
    siblings: dict[str, Siblings] = field(default_factory=dict)
    #: By item, what the user has given.
    feedback: dict[str, str] = field(default_factory=dict)
    #: The feedback of the request is taken back.
    is_undo: bool = False
    #: What the request's last command came to.
    handled: Handled[Any] | None = field(default=None, repr=False)

    @property
    def owner_id(self) -> str:
        return self.user.user_id


class ReadTableStore(Store[ChatContext]):
    def __init__(self, node: Node) -> None:
        self._node = node

    def generate_thread_id(self, context: ChatContext) -> str:
        return str(new_id())

    def generate_item_id(
        self, item_type: StoreItemType, thread: ThreadMetadata, context: ChatContext
    ) -> str:
        return str(new_id())

    async def conversation(self, thread_id: str, context: ChatContext) -> ConversationRow:
        """Read once a request. Raises NotFound, and Forbidden for another user's."""
        if context.conversation is None or context.conversation.id != thread_id:
            if not _can_be_id(thread_id):
                raise NotFound(NO_CONVERSATION)
            context.conversation = await own_conversation(
                self._node, context.user, thread_id, context.reads
            )
            context.is_stale = context.conversation.is_stale
        return context.conversation

    async def item(self, thread_id: str, item_id: str, context: ChatContext) -> ThreadItemRow:
        """An item that the client may know of. Raises NotFound."""
        await self.conversation(thread_id, context)
        row = None
        if _can_be_id(item_id):
            row = await self._node.reads.thread_item(context.owner_id, thread_id, item_id)
        if row is None or row.is_hidden:
            raise NotFound("There is no such item in this conversation.")
        return row

    async def visible_items(
        self, thread_id: str, item_ids: Sequence[str], context: ChatContext
    ) -> set[str]:
        """Those of the ids that are of items which the client may know of. Raises NotFound."""
        await self.conversation(thread_id, context)
        usable = [item_id for item_id in item_ids if _can_be_id(item_id)]
        rows = await self._node.reads.thread_items(context.owner_id, thread_id, usable)
        return {row.id for row in rows if not row.is_hidden}

    async def load_thread(self, thread_id: str, context: ChatContext) -> ThreadMetadata:
        return _thread(await self.conversation(thread_id, context))

    async def save_thread(self, thread: ThreadMetadata, context: ChatContext) -> None:
        """A thread's title is all of it that a client may change."""
        handled = await self._handle(thread.id, Rename(title=thread.title or ""), context)
        thread.title = handled.state.title or None

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: ChatContext
    ) -> Page[ThreadMetadata]:
        page = await self._reads(context).conversations_page(
            context.owner_id, limit=limit, after=after, order=cast(Order, order)
        )
        context.is_stale = page.is_stale
        threads = [_thread(row) for row in page.rows]
        return Page(data=threads, has_more=page.has_more, after=page.after)

    async def delete_thread(self, thread_id: str, context: ChatContext) -> None:
        await self.conversation(thread_id, context)
        context.handled = await delete_conversation(
            self._node.handler, self._node.leases, context.owner_id, thread_id
        )

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: ChatContext
    ) -> Page[ThreadItem]:
        await self.conversation(thread_id, context)
        page = await self._reads(context).thread_items_page(
            context.owner_id, thread_id, limit=limit, after=after, order=cast(Order, order)
        )
        context.branch_id = page.branch_id
        context.siblings = {row.id: row.siblings for row in page.rows if row.siblings}
        context.feedback = {row.id: row.feedback for row in page.rows if row.feedback}
        items = [_shown(row, context) for row in page.rows]
        return Page(data=items, has_more=page.has_more, after=page.after)

    async def load_item(self, thread_id: str, item_id: str, context: ChatContext) -> ThreadItem:
        row = await self.item(thread_id, item_id, context)
        return _shown(row, context)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: ChatContext) -> None:
        await self._handle(thread_id, PutItem(item=plain_item(item)), context)

    async def save_item(self, thread_id: str, item: ThreadItem, context: ChatContext) -> None:
        await self.add_thread_item(thread_id, item, context)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: ChatContext) -> None:
        await self._handle(thread_id, RemoveItem(item_id=item_id), context)

    async def save_attachment(self, attachment: Attachment, context: ChatContext) -> None:
        """Nothing is left to save: an attachment is stored when it is announced."""

    async def load_attachment(self, attachment_id: str, context: ChatContext) -> Attachment:
        stored = await attachment_of(
            self._node, context.owner_id, parse_attachment_id(attachment_id)
        )
        return described(stored, context.base_url)

    async def delete_attachment(self, attachment_id: str, context: ChatContext) -> None:
        """Nothing is left to delete: the record goes with the content."""

    def _reads(self, context: ChatContext) -> ReadModels:
        return context.reads or self._node.reads

    async def _handle(
        self, thread_id: str, command: ConversationCommand, context: ChatContext
    ) -> Handled[ConversationState]:
        context.handled = handled = await self._node.handler.handle(
            CONVERSATION,
            stream_of(thread_id),
            command,
            Origin(owner_id=context.owner_id, actor=f"user:{context.owner_id}"),
        )
        return handled


def with_more(body: bytes, context: ChatContext) -> bytes:
    """A page of items, or a thread with one, where items tell what stands in the same place and
    what was thought of them, to clients that ask; others get the protocol byte by byte."""
    if not context.tells_more or not (context.siblings or context.feedback):
        return body
    answer = orjson.loads(body)
    for item in answer.get("items", answer)["data"]:
        if found := context.siblings.get(item["id"]):
            # Nulls are left out, as everywhere in this protocol.
            item["siblings"] = {k: v for k, v in asdict(found).items() if v is not None}
        if feedback := context.feedback.get(item["id"]):
            item["feedback"] = feedback
    return orjson.dumps(answer)


def plain_item(item: ThreadItem) -> dict[str, Any]:
    tree: dict[str, Any] = item.model_dump(mode="json", by_alias=True, exclude_none=True)
    return tree


def _shown(row: ThreadItemRow, context: ChatContext) -> ThreadItem:
    return _items.validate_python(with_previews(row.item, context.base_url))


def _thread(row: ConversationRow) -> ThreadMetadata:
    return ThreadMetadata(id=row.id, title=row.title or None, created_at=row.created_at)


def _can_be_id(text: str) -> bool:
    return len(text) <= ID_CHARACTERS and is_storable(text)
