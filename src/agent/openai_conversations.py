"""Our conversations' counterparts at OpenAI, and the Agents SDK's session over one.

Which is whose is an event, recorded before anything is sent there. Of two nodes that make one for
the same conversation the first to record it wins, and the other deletes what it made; a node that
dies in between leaves an empty one. What is deleted or erased here is deleted there: any node looks
for it whenever something was recorded, and tries until it worked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import asyncpg
import structlog
from agents import OpenAIConversationsSession
from agents.items import TResponseInputItem
from agents.memory import SessionSettings
from openai import AsyncOpenAI, NotFoundError, OpenAIError

from agent import statements
from commands.conversation import CONVERSATION
from commands.errors import NotFound
from commands.handle import CommandHandler, Origin
from commands.link import LINK, CloseLink, LinkCommand, LinkState, OpenLink
from events import conversation, link
from events.signal import LogSignal
from events.store import EventStore
from events.system import SYSTEM_OWNER

log = structlog.get_logger()

#: How often it is looked what to delete, while things are recorded.
LOOK_SECONDS = 5.0
#: The first and the longest pause before a deletion is tried again.
RETRY_SECONDS = 5.0
RETRY_LIMIT_SECONDS = 300.0
DELETED_AT_ONCE = 8
PAGE_LINKS = 100

_ORIGIN = Origin(owner_id=SYSTEM_OWNER, actor="system")


class OpenAIConversations:
    def __init__(
        self,
        handler: CommandHandler,
        store: EventStore,
        pool: asyncpg.Pool,
        client: AsyncOpenAI,
        signal: LogSignal,
    ) -> None:
        self._handler = handler
        self._store = store
        self._pool = pool
        self._signal = signal
        self._deleting = asyncio.Semaphore(DELETED_AT_ONCE)
        self.client = client

    def session(
        self,
        owner_id: str,
        conversation_id: str,
        *,
        session_settings: SessionSettings | None = None,
    ) -> LinkedConversationSession:
        """Over the counterpart of a user's conversation, which is made when it is first needed."""
        return LinkedConversationSession(self, owner_id, conversation_id, session_settings)

    async def link(self, owner_id: str, conversation_id: str) -> str:
        """The counterpart's id. Raises NotFound, Foreign, ContentErased, and OpenAIError."""
        await self._check_active(owner_id, conversation_id)
        foreign_id = (await self._linked(conversation_id)).foreign_id
        if foreign_id is not None:
            return foreign_id
        foreign_id = await self._open(conversation_id)
        # Deleted meanwhile, perhaps after it was last looked what to delete there.
        await self._check_active(owner_id, conversation_id)
        return foreign_id

    async def clear(self, owner_id: str, conversation_id: str) -> None:
        """Deletes the counterpart. Raises NotFound, Foreign, ContentErased, and OpenAIError."""
        await self._check_active(owner_id, conversation_id)
        await self.unlink(conversation_id, "cleared")

    async def unlink(self, conversation_id: str, reason: str) -> None:
        """Deletes the counterpart, then records that; may be repeated. Raises OpenAIError."""
        foreign_id = (await self._linked(conversation_id)).foreign_id
        if foreign_id is not None:
            async with self._deleting:
                await self._delete(foreign_id)
            await self._handle(conversation_id, CloseLink(foreign_id=foreign_id, reason=reason))
            log.info("link_closed", conversation_id=conversation_id, reason=reason)

    async def look(self) -> int:
        """Deletes there what was deleted or erased here; answers how many are left."""
        due = await self._pool.fetch(statements.load("due_links"), PAGE_LINKS)
        worked = await asyncio.gather(*(self._try(row) for row in due))
        return len(worked) - sum(worked) or int(len(due) == PAGE_LINKS)

    async def run(self) -> None:
        pause = RETRY_SECONDS
        while True:
            head = self._signal.head
            if await self.look():
                await asyncio.sleep(pause)
                pause = min(pause * 2, RETRY_LIMIT_SECONDS)
                continue
            pause = RETRY_SECONDS
            await self._signal.wait_beyond(head)
            await asyncio.sleep(LOOK_SECONDS)

    async def _try(self, row: Mapping[str, str]) -> bool:
        try:
            await self.unlink(row["conversation_id"], row["reason"])
        except OpenAIError as error:
            log.warning(
                "link_not_closed",
                conversation_id=row["conversation_id"],
                error=type(error).__name__,
            )
            return False
        return True

    async def _open(self, conversation_id: str) -> str:
        created = await self.client.conversations.create(
            metadata={"verbatim_conversation_id": conversation_id}
        )
        linked = LinkState()
        try:
            linked = await self._handle(conversation_id, OpenLink(foreign_id=created.id))
        finally:
            if linked.foreign_id != created.id:
                await self._drop(created.id)
        return linked.foreign_id or ""

    async def _drop(self, foreign_id: str) -> None:
        """Nothing was sent there yet."""
        try:
            await self._delete(foreign_id)
        except OpenAIError as error:
            log.warning("link_left_empty", foreign_id=foreign_id, error=type(error).__name__)

    async def _delete(self, foreign_id: str) -> None:
        try:
            await self.client.conversations.delete(foreign_id)
        except NotFoundError:
            log.info("link_gone", foreign_id=foreign_id)

    async def _check_active(self, owner_id: str, conversation_id: str) -> None:
        stream_id = conversation.stream_of(conversation_id)
        _, state = await self._handler.load(CONVERSATION, stream_id, owner_id)
        if state.status != "active":
            raise NotFound("There is no such conversation.")
        # A folded state outlives the key of what it was folded from.
        await self._store.read_stream(stream_id, up_to_version=1)

    async def _linked(self, conversation_id: str) -> LinkState:
        stream_id = link.stream_of(conversation_id)
        _, state = await self._handler.load(LINK, stream_id, SYSTEM_OWNER)
        return state

    async def _handle(self, conversation_id: str, command: LinkCommand) -> LinkState:
        stream_id = link.stream_of(conversation_id)
        return (await self._handler.handle(LINK, stream_id, command, _ORIGIN)).state


class LinkedConversationSession(OpenAIConversationsSession):
    """The SDK's own session over the counterpart of one of our conversations.

    Clearing it deletes the counterpart; the next item makes another. Every method raises NotFound,
    Foreign and ContentErased, and what the SDK's raises.
    """

    def __init__(
        self,
        conversations: OpenAIConversations,
        owner_id: str,
        conversation_id: str,
        session_settings: SessionSettings | None = None,
    ) -> None:
        super().__init__(openai_client=conversations.client, session_settings=session_settings)
        self._conversations = conversations
        self._owner_id = owner_id
        self._our_id = conversation_id

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        await self._link()
        return await super().get_items(limit)

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        await self._link()
        await super().add_items(items)

    async def pop_item(self) -> TResponseInputItem | None:
        await self._link()
        return await super().pop_item()

    async def clear_session(self) -> None:
        await self._conversations.clear(self._owner_id, self._our_id)

    async def _link(self) -> None:
        self.session_id = await self._conversations.link(self._owner_id, self._our_id)
