"""Feedback on the items of a thread: up, down, and taken back.

ChatKit knows only the first two, so a client takes one back by its kind with `metadata.undo`.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatkit.types import ItemsFeedbackReq

from api.chatkit_store import ChatContext, ReadTableStore
from api.errors import NotFound, UnusableRequest
from commands.conversation import CONVERSATION
from commands.errors import InvalidCommand
from commands.feedback import FEEDBACK_ITEMS, WITHDRAWN, GiveFeedback
from commands.handle import Origin
from events.conversation import stream_of
from runtime.node import Node


def is_undo(request: ItemsFeedbackReq) -> bool:
    """Raises UnusableRequest."""
    undo = request.metadata.get("undo", False)
    if not isinstance(undo, bool):
        raise UnusableRequest("metadata.undo must be true or false.")
    return undo


async def give_feedback(
    node: Node,
    store: ReadTableStore,
    thread_id: str,
    item_ids: Sequence[str],
    kind: str,
    context: ChatContext,
) -> None:
    """Raises NotFound unless every item is one that the client may know of."""
    if not 0 < len(item_ids) <= FEEDBACK_ITEMS:
        raise InvalidCommand(f"Feedback names 1 to {FEEDBACK_ITEMS} items.")
    unique = tuple(dict.fromkeys(item_ids))
    if await store.visible_items(thread_id, unique, context) < set(unique):
        raise NotFound("There is no such item in this conversation.")
    context.handled = await node.handler.handle(
        CONVERSATION,
        stream_of(thread_id),
        GiveFeedback(item_ids=unique, kind=WITHDRAWN if context.is_undo else kind),
        Origin(owner_id=context.owner_id, actor=f"user:{context.owner_id}"),
    )
