"""Answer a message again, put another one in its place, and go from branch to branch."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.sending import Message
from api.attachments import attachments_to_post
from api.chat import ChatAnswer, IdempotencyKey, SendPolicy, canonical, respond
from api.conversations import Conversation, ConversationId, shown
from api.dependencies import NodeOf, PathUser, SettingsOf, UserRoute
from api.describing import user_problems
from api.errors import NotFound
from api.messages import BranchId
from api.ownership import own_conversation
from api.positions import tell_position
from api.runs import run_stream_of
from auth.principal import Principal
from commands.branching import SwitchBranch
from commands.conversation import CONVERSATION, MESSAGE_ATTACHMENTS, TEXT_CHARACTERS
from commands.conversation_state import ConversationState
from commands.handle import Handled, Origin
from events.conversation import stream_of
from projections.ordinals import version_of
from runtime.node import Node

NO_MESSAGE = "There is no such message in this conversation."

router = APIRouter(route_class=UserRoute, tags=["chat"])

MessageId = Annotated[UUID, Path(description="A message of the user, on any branch.")]


class RetryRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    #: `interrupt` ends a reply that is being written; by default the server decides.
    policy: SendPolicy | None = None


class EditRequest(RetryRequest):
    message: str = Field(min_length=1, max_length=TEXT_CHARACTERS)
    #: By default those of the message that is edited, as far as they are still there.
    attachments: list[UUID] | None = Field(default=None, max_length=MESSAGE_ATTACHMENTS)


class WantedBranch(BaseModel):
    """One of the two."""

    model_config = ConfigDict(extra="forbid")

    #: A message or reply: of the branches that hold it, the one that was active last.
    message_id: UUID | None = None
    branch_id: BranchId | None = None

    @model_validator(mode="after")
    def _names_one(self) -> WantedBranch:
        if (self.message_id is None) == (self.branch_id is None):
            raise ValueError("name a message_id or a branch_id")
        return self


@router.post(
    "/api/{user_id}/conversations/{conversation_id}/messages/{message_id}/retry",
    response_model=ChatAnswer,
    responses=user_problems(404, 409, 410, 413, 429)
    | run_stream_of("The reply: JSON when the run has ended, or its events from the first on."),
)
async def retry_message(
    request: Request,
    response: Response,
    node: NodeOf,
    settings: SettingsOf,
    user: PathUser,
    conversation_id: ConversationId,
    message_id: MessageId,
    wanted: RetryRequest | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Any:
    """Answers a message again, on a new branch; what it was answered stays on its own."""
    wanted = wanted or RetryRequest()
    sent = await node.sender.retry(
        user.user_id,
        str(conversation_id),
        str(message_id),
        policy=wanted.policy or settings.verbatim_multiple_sends,
        idempotency_key=idempotency_key,
        request_body=canonical(wanted, retried=str(message_id)),
    )
    return await respond(request, response, node, user, sent)


@router.post(
    "/api/{user_id}/conversations/{conversation_id}/messages/{message_id}/edit",
    response_model=ChatAnswer,
    responses=user_problems(404, 409, 410, 413, 429)
    | run_stream_of("The reply: JSON when the run has ended, or its events from the first on."),
)
async def edit_message(
    request: Request,
    response: Response,
    node: NodeOf,
    settings: SettingsOf,
    user: PathUser,
    conversation_id: ConversationId,
    message_id: MessageId,
    edit: EditRequest,
    idempotency_key: IdempotencyKey = None,
) -> Any:
    """Puts another message in the place of one, on a new branch, and answers that."""
    posted = await _posted_item(node, user, conversation_id, message_id)
    named = edit.attachments if edit.attachments is not None else await _kept(node, posted)
    message = Message(
        text=edit.message,
        attachments=await attachments_to_post(node, user.user_id, [str(one) for one in named]),
        quoted_text=posted.get("quoted_text"),
        inference_options=posted["inference_options"],
        policy=edit.policy or settings.verbatim_multiple_sends,
    )
    sent = await node.sender.edit(
        user.user_id,
        str(conversation_id),
        str(message_id),
        message,
        idempotency_key=idempotency_key,
        request_body=canonical(edit, edited=str(message_id)),
    )
    return await respond(request, response, node, user, sent)


@router.put(
    "/api/{user_id}/conversations/{conversation_id}/branch",
    responses=user_problems(404, 409, 413),
)
async def switch_branch(
    request: Request,
    response: Response,
    node: NodeOf,
    user: PathUser,
    conversation_id: ConversationId,
    wanted: WantedBranch,
) -> Conversation:
    """Makes another branch the active one, which is shown and goes on."""
    switched = await switch(node, user, str(conversation_id), wanted)
    tell_position(request, response, switched.stream_id, switched.version)
    return shown(await own_conversation(node, user, conversation_id))


async def switch(
    node: Node, user: Principal, conversation_id: str, wanted: WantedBranch
) -> Handled[ConversationState]:
    """Raises NotFound, Forbidden, Foreign and Rejected."""
    command = SwitchBranch(branch_id=wanted.branch_id)
    if wanted.message_id is not None:
        await own_conversation(node, user, conversation_id)
        row = await node.reads.message(user.user_id, conversation_id, str(wanted.message_id))
        if row is None:
            raise NotFound(NO_MESSAGE)
        command = SwitchBranch(version=version_of(row.ordinal))
    origin = Origin(owner_id=user.user_id, actor=f"user:{user.user_id}")
    return await node.handler.handle(CONVERSATION, stream_of(conversation_id), command, origin)


async def _posted_item(
    node: Node, user: Principal, conversation_id: UUID, message_id: UUID
) -> dict[str, Any]:
    await own_conversation(node, user, conversation_id)
    row = await node.reads.thread_item(user.user_id, str(conversation_id), str(message_id))
    if row is None or row.kind != "user_message":
        raise NotFound(NO_MESSAGE)
    return row.item


async def _kept(node: Node, posted: dict[str, Any]) -> list[UUID]:
    attached = [UUID(attachment["id"]) for attachment in posted["attachments"]]
    found = {stored.attachment_id for stored in await node.attachments.find(attached)}
    return [one for one in attached if one in found]
