"""The Agents SDK's `Session` over our event stream."""

from __future__ import annotations

from typing import cast

from agents.items import TResponseInputItem
from agents.memory import SessionSettings
from agents.memory.session_settings import resolve_session_limit

from agent.session_items import PlacedItem, session_items
from commands.conversation import CONVERSATION
from commands.conversation_state import ConversationState
from commands.errors import NotFound, Rejected
from commands.handle import CommandHandler, Origin
from commands.session import (
    AddSessionItems,
    ClearSession,
    RemoveSessionItem,
    SessionCommand,
    text_of,
)
from commands.titles import first_words
from events.conversation import stream_of
from events.ids import new_id
from events.storable import make_tree_storable
from events.store import EventStore

#: Where a text in an item is cut before it is stored.
TEXT_CHARACTERS = 100_000


class EventStreamSession:
    """`Runner.run(agent, "hello", session=session)` with a user's conversation as the memory.

    What the Runner adds is stored as it is and shown in the conversation like its own messages;
    what the conversation's own runs said is part of the memory. Nothing is ever deleted: an item
    that was popped, or a session that was cleared, is handed out no more, and the conversation
    keeps it. Two sessions of one conversation may be used at once, on any node.

    Every method raises Foreign for another user's conversation, and NotFound for a deleted one.
    """

    session_settings: SessionSettings | None

    def __init__(
        self,
        handler: CommandHandler,
        store: EventStore,
        owner_id: str,
        conversation_id: str | None = None,
        *,
        session_settings: SessionSettings | None = None,
    ) -> None:
        self._handler = handler
        self._store = store
        self._owner_id = owner_id
        #: The conversation's id: a new conversation's, when none was named.
        self.session_id = conversation_id or str(new_id())
        self.session_settings = session_settings

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        wanted = resolve_session_limit(limit, self.session_settings)
        items = [placed.item for placed in await self._placed()]
        if wanted is not None:
            items = items[-wanted:] if wanted > 0 else []
        return cast("list[TResponseInputItem]", items)

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """All of them, or none when it raises."""
        if not items:
            return
        storable = make_tree_storable(items, TEXT_CHARACTERS)
        title = next((text_of(i.get("content")) for i in storable if i.get("role") == "user"), "")
        command = AddSessionItems(
            items=tuple(storable), seed_id=str(new_id()), title=first_words(title)
        )
        await self._handle(command)

    async def pop_item(self) -> TResponseInputItem | None:
        while placed := await self._placed():
            last = placed[-1]
            try:
                await self._handle(RemoveSessionItem(version=last.version, place=last.place))
            except Rejected:
                continue  # another session was faster
            return cast(TResponseInputItem, last.item)
        return None

    async def clear_session(self) -> None:
        await self._handle(ClearSession())

    async def _placed(self) -> list[PlacedItem]:
        state = await self._state()
        if state.status == "none":
            return []
        if state.status == "deleted":
            raise NotFound("There is no such conversation.")
        recorded = await self._store.read_stream(stream_of(self.session_id))
        return session_items(recorded, state.branches)

    async def _state(self) -> ConversationState:
        stream_id = stream_of(self.session_id)
        _, state = await self._handler.load(CONVERSATION, stream_id, self._owner_id)
        return state

    async def _handle(self, command: SessionCommand) -> None:
        origin = Origin(owner_id=self._owner_id, actor=f"user:{self._owner_id}")
        await self._handler.handle(CONVERSATION, stream_of(self.session_id), command, origin)
