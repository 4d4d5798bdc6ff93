"""The events of a conversation: stream `conversation-<uuid>`, which is the ChatKit thread id."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from events.event import Event, event
from events.ids import derived_id

CATEGORY = "conversation"
_PREFIX = f"{CATEGORY}-"
#: The branch that a conversation begins with.
MAIN_BRANCH = "main"


def stream_of(conversation_id: str) -> str:
    return _PREFIX + conversation_id


def id_of(stream_id: str) -> str:
    return stream_id.removeprefix(_PREFIX)


def reply_id_of(run_id: str) -> str:
    """The Message that a run's replies and tool calls become."""
    return str(derived_id("reply", run_id))


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    #: UUID of the attachment.
    attachment_id: str
    name: str
    mime_type: str
    size_bytes: int


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    #: Calls of the model.
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


@event("conversation.started")
class Started(Event, frozen=True, kw_only=True):
    #: Empty until the conversation is named.
    title: str = ""


@event("conversation.renamed")
class Renamed(Event, frozen=True, kw_only=True):
    title: str


@event("conversation.deleted")
class Deleted(Event, frozen=True, kw_only=True):
    pass


@event("conversation.user_message_posted")
class UserMessagePosted(Event, frozen=True, kw_only=True):
    message_id: str
    #: The plain text, as the model reads it.
    text: str
    #: The ChatKit content parts, as the client sent them.
    content: tuple[dict[str, Any], ...] = ()
    attachments: tuple[Attachment, ...] = ()
    quoted_text: str | None = None
    #: ChatKit's inference options: model and tool choice.
    inference_options: dict[str, Any] = msgspec.field(default_factory=dict)


@event("conversation.run_requested")
class RunRequested(Event, frozen=True, kw_only=True):
    run_id: str
    #: The user message the run answers.
    message_id: str
    #: message | retry | tool_output | structured_input | action | session
    trigger: str = "message"


@event("conversation.run_interrupt_requested")
class RunInterruptRequested(Event, frozen=True, kw_only=True):
    #: The unfinished run that is to make way.
    run_id: str
    #: The run it makes way for.
    by_run_id: str


@event("conversation.run_started")
class RunStarted(Event, frozen=True, kw_only=True):
    run_id: str
    attempt: int
    model: str
    #: The events the context was built from, in order.
    context_event_ids: tuple[str, ...]
    #: Keyed hash (hex) of the exact input items the model was given.
    context_hash: str
    #: Estimated size of that input, in tokens.
    context_tokens: int


@event("conversation.run_resumed")
class RunResumed(Event, frozen=True, kw_only=True):
    run_id: str
    attempt: int


@event("conversation.run_paused")
class RunPaused(Event, frozen=True, kw_only=True):
    run_id: str
    attempt: int
    #: Of the frame that ended the answer so far; what comes later continues from it.
    last_seq: int


@event("conversation.model_responded")
class ModelResponded(Event, frozen=True, kw_only=True):
    run_id: str
    attempt: int
    response_id: str
    #: All output items of one response, in the Responses API's form.
    items: tuple[dict[str, Any], ...]
    usage: Usage = Usage()
    #: The model's name as the provider reports it.
    model: str = ""
    #: What was done to make the items storable: replaced, cut.
    adjusted: tuple[str, ...] = ()


@event("conversation.assistant_message_posted")
class AssistantMessagePosted(Event, frozen=True, kw_only=True):
    run_id: str
    message_id: str
    text: str
    #: True when the reply was cut short (stopped, failed, interrupted).
    is_partial: bool = False


@event("conversation.tool_called")
class ToolCalled(Event, frozen=True, kw_only=True):
    run_id: str
    attempt: int
    #: Ours; the effect of the call is idempotent by it.
    call_id: str
    #: The model provider's, which pairs the call with its output in the context.
    provider_call_id: str
    name: str
    #: JSON text, as the model wrote it.
    arguments: str


@event("conversation.tool_begun")
class ToolBegun(Event, frozen=True, kw_only=True):
    """A server that is not ours is about to be asked; it may take effect from here on."""

    run_id: str
    attempt: int
    call_id: str


@event("conversation.tool_approval_requested")
class ToolApprovalRequested(Event, frozen=True, kw_only=True):
    schema_version: ClassVar[int] = 2
    run_id: str
    call_id: str
    #: For the user to recognise it by, looked up by the server: the title of the task.
    subject: str = ""

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["subject"] = ""


@event("conversation.tool_approval_granted")
class ToolApprovalGranted(Event, frozen=True, kw_only=True):
    run_id: str
    call_id: str


@event("conversation.tool_approval_denied")
class ToolApprovalDenied(Event, frozen=True, kw_only=True):
    run_id: str
    call_id: str
    reason: str = ""


@event("conversation.tool_completed")
class ToolCompleted(Event, frozen=True, kw_only=True):
    run_id: str
    call_id: str
    #: The text the model reads.
    output: str
    adjusted: tuple[str, ...] = ()


@event("conversation.tool_failed")
class ToolFailed(Event, frozen=True, kw_only=True):
    run_id: str
    call_id: str
    #: The text the model reads.
    error: str
    adjusted: tuple[str, ...] = ()


@event("conversation.tool_outcome_unknown")
class ToolOutcomeUnknown(Event, frozen=True, kw_only=True):
    run_id: str
    call_id: str
    reason: str


@event("conversation.run_completed")
class RunCompleted(Event, frozen=True, kw_only=True):
    run_id: str
    usage: Usage = Usage()


@event("conversation.run_failed")
class RunFailed(Event, frozen=True, kw_only=True):
    run_id: str
    #: Short name of the cause: model_unavailable, model_timeout, turn_limit, internal, ...
    code: str
    #: One sentence for the user.
    message: str
    can_retry: bool = True
    usage: Usage = Usage()


@event("conversation.run_cancelled")
class RunCancelled(Event, frozen=True, kw_only=True):
    run_id: str
    usage: Usage = Usage()


@event("conversation.run_interrupted")
class RunInterrupted(Event, frozen=True, kw_only=True):
    run_id: str
    reason: str


@event("conversation.thread_item_put")
class ThreadItemPut(Event, frozen=True, kw_only=True):
    #: A ChatKit thread item that is neither message nor tool.
    item: dict[str, Any]


@event("conversation.thread_item_removed")
class ThreadItemRemoved(Event, frozen=True, kw_only=True):
    item_id: str


@event("conversation.branch_forked")
class BranchForked(Event, frozen=True, kw_only=True):
    """The new branch begins with what its parent holds up to the message, and is active."""

    schema_version: ClassVar[int] = 2

    branch_id: str
    #: The branch that the message was posted on; version 1 did not name it.
    parent_id: str = ""
    #: The user message at which it leaves its parent.
    message_id: str
    #: after (the message is answered again) | before (another message takes its place)
    side: str = "after"

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["message_id"] = state.pop("after_message_id")


@event("conversation.branch_switched")
class BranchSwitched(Event, frozen=True, kw_only=True):
    """Another branch of the conversation is the active one."""

    branch_id: str
    from_branch_id: str


@event("conversation.feedback_given")
class FeedbackGiven(Event, frozen=True, kw_only=True):
    item_ids: tuple[str, ...]
    #: positive | negative | withdrawn
    kind: str
