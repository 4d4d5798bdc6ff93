"""Deleting a conversation: its event, its attachments and a stop for its runs."""

from __future__ import annotations

from agent.attachments import deletion_of_conversation
from agent.leases import Leases
from commands.conversation import CONVERSATION, Delete
from commands.conversation_state import ConversationState
from commands.handle import CommandHandler, Handled, Origin
from events.conversation import stream_of


async def delete_conversation(
    handler: CommandHandler, leases: Leases, owner_id: str, conversation_id: str
) -> Handled[ConversationState]:
    """Raises NotFound and Foreign."""
    handled = await handler.handle(
        CONVERSATION,
        stream_of(conversation_id),
        Delete(),
        Origin(owner_id=owner_id, actor=f"user:{owner_id}"),
        lambda events, state: [deletion_of_conversation(conversation_id, owner_id)],
    )
    await leases.request_cancel_all(conversation_id, owner_id)
    return handled
