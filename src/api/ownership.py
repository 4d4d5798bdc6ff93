"""Whose a conversation or a run is: another's is refused (403), nobody's is not there (404)."""

from __future__ import annotations

import uuid

from api.errors import NotFound
from auth.policy import authorise_owner
from auth.principal import Principal
from projections.conversations import ConversationRow
from projections.runs import RunRow
from runtime.node import Node

NO_CONVERSATION = "There is no such conversation."
NO_RUN = "There is no such run."


async def own_conversation(
    node: Node, user: Principal, conversation_id: uuid.UUID | str
) -> ConversationRow:
    """Raises Forbidden or NotFound."""
    found = await node.reads.conversation(user.user_id, str(conversation_id))
    if found is not None:
        return found
    owner_id = await node.reads.owner_of_conversation(str(conversation_id))
    if owner_id is not None:
        authorise_owner(user, owner_id)
    raise NotFound(NO_CONVERSATION)


async def own_run(node: Node, user: Principal, run_id: uuid.UUID) -> RunRow:
    """Raises Forbidden or NotFound."""
    found = await node.reads.run(user.user_id, str(run_id))
    if found is not None:
        return found
    foreign = await node.reads.run(None, str(run_id))
    if foreign is not None:
        authorise_owner(user, foreign.owner_id)
    raise NotFound(NO_RUN)
