"""Whose a conversation or a run is: another's is refused (403), nobody's is not there (404)."""

from __future__ import annotations

import uuid

from api.errors import NotFound
from auth.policy import authorise_owner
from auth.principal import Principal
from projections.conversations import ConversationRow
from projections.read_models import ReadModels
from projections.runs import RunRow
from runtime.node import Node

NO_CONVERSATION = "There is no such conversation."
NO_RUN = "There is no such run."


async def own_conversation(
    node: Node,
    user: Principal,
    conversation_id: uuid.UUID | str,
    reads: ReadModels | None = None,
) -> ConversationRow:
    """`reads` may be a replica's, which says nothing of what is not there yet.

    Raises Forbidden or NotFound.
    """
    for source in dict.fromkeys((reads or node.reads, node.reads)):
        if found := await source.conversation(user.user_id, str(conversation_id)):
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
