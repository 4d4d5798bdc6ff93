"""The ChatKit server: every operation of the protocol, on events and runs.

A streaming operation only requests a run; what it answers with are the run's frames, so a client
that goes away ends nothing. Everything that can be refused is refused before that.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, assert_never

from chatkit.actions import Action
from chatkit.server import ChatKitServer
from chatkit.types import (
    AudioInput,
    FeedbackKind,
    HiddenContextItem,
    ItemsFeedbackReq,
    NonStreamingReq,
    StreamingReq,
    StructuredInputItem,
    SyncCustomActionResponse,
    ThreadMetadata,
    ThreadsAddClientToolOutputReq,
    ThreadsAddStructuredInputReq,
    ThreadsAddUserMessageReq,
    ThreadsCreateReq,
    ThreadsCustomActionReq,
    ThreadsRetryAfterItemReq,
    ThreadsSyncCustomActionReq,
    ThreadStreamEvent,
    TranscriptionResult,
    UserMessageInput,
    UserMessageItem,
    WidgetItem,
)

from agent.sending import Answer, Message, Sent
from api.approvals import decision_of, is_decision
from api.attachments import attachments_to_post
from api.chatkit_feedback import give_feedback, is_undo
from api.chatkit_requests import (
    branch_of,
    canonical_body,
    edited_item_of,
    idempotency_key_of,
    message_of,
    policy_of,
)
from api.chatkit_store import ChatContext, ReadTableStore, plain_item, with_more
from api.chatkit_uploads import Uploads
from api.errors import NotConfigured, UnusableRequest
from api.inference import check_model
from commands.errors import Rejected
from events.ids import new_id, time_of
from projections.thread_items import ThreadItemRow
from runtime.node import Node

AnswerReq = ThreadsAddClientToolOutputReq | ThreadsAddStructuredInputReq | ThreadsCustomActionReq

#: How far back a client tool call may stand that still waits for its output.
NEWEST_ITEMS = 20


class VerbatimChatKit(ChatKitServer[ChatContext]):
    store: ReadTableStore

    def __init__(self, node: Node) -> None:
        super().__init__(ReadTableStore(node), Uploads(node))
        self._node = node

    async def answer(self, request: NonStreamingReq, context: ChatContext) -> bytes:
        """The JSON of an operation that does not stream."""
        if isinstance(request, ItemsFeedbackReq):
            context.is_undo = is_undo(request)
        return with_more(await self._process_non_streaming(request, context), context)

    async def begin(self, request: StreamingReq, context: ChatContext) -> Sent:
        """Requests the run whose frames are the answer; raises before anything is stored."""
        match request:
            case ThreadsCreateReq():
                return await self._send(request, None, request.params.input, context)
            case ThreadsAddUserMessageReq():
                await self.store.conversation(request.params.thread_id, context)
                return await self._send(
                    request, request.params.thread_id, request.params.input, context
                )
            case ThreadsRetryAfterItemReq():
                return await self._retry(request, context)
            case (
                ThreadsAddClientToolOutputReq()
                | ThreadsAddStructuredInputReq()
                | ThreadsCustomActionReq()
            ):
                return await self._reply(request, context)
            case _:
                assert_never(request)

    def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: ChatContext,
    ) -> AsyncIterator[ThreadStreamEvent]:
        # Nothing calls it: `_process_streaming`, its only caller, is replaced below.
        raise NotImplementedError("Replies are written by runs, which no request owns.")

    async def add_feedback(
        self, thread_id: str, item_ids: list[str], feedback: FeedbackKind, context: ChatContext
    ) -> None:
        await give_feedback(self._node, self.store, thread_id, item_ids, feedback, context)

    async def transcribe(
        self, audio_input: AudioInput, context: ChatContext
    ) -> TranscriptionResult:
        raise NotConfigured("Dictation is not configured on this server: type the message.")

    async def sync_action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: ChatContext,
    ) -> SyncCustomActionResponse:
        """Keeps the action for the next reply; the widget stays as it is."""
        await self.store.add_thread_item(
            thread.id, _action_item(thread.id, action, sender), context
        )
        return SyncCustomActionResponse()

    async def _process_streaming(
        self, request: StreamingReq, context: ChatContext
    ) -> AsyncGenerator[bytes, None]:
        """For callers of the stock `process`; the route sends the same frames with their ids."""
        sent = await self.begin(request, context)
        async for frames in self._node.frames.follow(sent.run_id, context.owner_id, sent.after_seq):
            yield b"".join(b"data: %b\n\n" % frame.body for frame in frames if frame.body)

    async def _process_sync_custom_action(
        self, request: ThreadsSyncCustomActionReq, context: ChatContext
    ) -> bytes:
        if is_decision(request.params.action):
            raise UnusableRequest("A decision about a tool call is sent as threads.custom_action.")
        await self._widget(request, context)
        return await super()._process_sync_custom_action(request, context)

    async def _send(
        self,
        request: StreamingReq,
        thread_id: str | None,
        sent: UserMessageInput,
        context: ChatContext,
    ) -> Sent:
        policy = policy_of(request, self._node.settings.verbatim_multiple_sends)
        check_model(sent.inference_options, self._node.settings)
        attachments = await attachments_to_post(self._node, context.owner_id, sent.attachments)
        message: Message = message_of(sent, attachments, policy, branch_of(request))
        edited = edited_item_of(request)
        if thread_id is not None and edited is not None:
            return await self._node.sender.edit(
                context.owner_id,
                thread_id,
                edited,
                message,
                idempotency_key=idempotency_key_of(request),
                request_body=canonical_body(request),
            )
        return await self._node.sender.send(
            context.owner_id,
            thread_id,
            message,
            idempotency_key=idempotency_key_of(request),
            request_body=canonical_body(request),
        )

    async def _retry(self, request: ThreadsRetryAfterItemReq, context: ChatContext) -> Sent:
        item = await self.store.item(request.params.thread_id, request.params.item_id, context)
        if item.kind != "user_message":
            raise UnusableRequest("Only a user's message can be answered again.")
        return await self._node.sender.retry(
            context.owner_id,
            request.params.thread_id,
            item.id,
            policy=policy_of(request, self._node.settings.verbatim_multiple_sends),
            idempotency_key=idempotency_key_of(request),
            request_body=canonical_body(request),
        )

    async def _reply(self, request: AnswerReq, context: ChatContext) -> Sent:
        if isinstance(request, ThreadsCustomActionReq) and is_decision(request.params.action):
            return await self._decide(request, context)
        answer = await self._answer_in(request, context)
        return await self._node.sender.reply_to_answer(
            context.owner_id,
            request.params.thread_id,
            answer,
            idempotency_key=idempotency_key_of(request),
            request_body=canonical_body(request),
        )

    async def _decide(self, request: ThreadsCustomActionReq, context: ChatContext) -> Sent:
        await self.store.conversation(request.params.thread_id, context)
        return await self._node.approver.decide(
            context.owner_id,
            request.params.thread_id,
            decision_of(request.params.action, request.params.item_id),
            idempotency_key=idempotency_key_of(request),
            request_body=canonical_body(request),
        )

    async def _answer_in(self, request: AnswerReq, context: ChatContext) -> Answer:
        match request:
            case ThreadsAddClientToolOutputReq():
                return await self._tool_output(request, context)
            case ThreadsAddStructuredInputReq():
                return await self._filled_in(request, context)
            case ThreadsCustomActionReq():
                return await self._acted_on(request, context)
            case _:
                assert_never(request)

    async def _tool_output(
        self, request: ThreadsAddClientToolOutputReq, context: ChatContext
    ) -> Answer:
        """For the newest call that waits; older ones that still do were given up (as in stock)."""
        thread_id = request.params.thread_id
        await self.store.conversation(thread_id, context)
        page = await self._node.reads.thread_items_page(
            context.owner_id, thread_id, limit=NEWEST_ITEMS, order="desc"
        )
        waiting = [row for row in page.rows if _is_pending(row, "client_tool_call")]
        if not waiting:
            raise Rejected("nothing_pending", "No client tool call waits for an output here.")
        item = waiting[0].item | {"status": "completed", "output": request.params.result}
        return Answer(
            trigger="tool_output",
            put=(item,),
            removed_item_ids=tuple(row.id for row in waiting[1:]),
            pending_item_ids=(waiting[0].id,),
        )

    async def _filled_in(
        self, request: ThreadsAddStructuredInputReq, context: ChatContext
    ) -> Answer:
        row = await self.store.item(request.params.thread_id, request.params.item_id, context)
        if row.kind != "structured_input":
            raise UnusableRequest("This item asks for no input.")
        if not _is_pending(row, "structured_input"):
            raise Rejected("item_answered", "This no longer waits for an answer.")
        asked = StructuredInputItem.model_validate(row.item)
        filled_in = await self._apply_structured_input_submission(asked, request.params.input)
        return Answer(
            trigger="structured_input",
            put=(plain_item(filled_in),),
            pending_item_ids=(row.id,),
        )

    async def _acted_on(self, request: ThreadsCustomActionReq, context: ChatContext) -> Answer:
        widget = await self._widget(request, context)
        item = _action_item(request.params.thread_id, request.params.action, widget)
        return Answer(trigger="action", put=(plain_item(item),))

    async def _widget(
        self, request: ThreadsCustomActionReq | ThreadsSyncCustomActionReq, context: ChatContext
    ) -> WidgetItem | None:
        """None for an action of the page itself."""
        params = request.params
        await self.store.conversation(params.thread_id, context)
        if params.item_id is None:
            return None
        row = await self.store.item(params.thread_id, params.item_id, context)
        if row.kind != "widget":
            raise UnusableRequest("This item is no widget, so it has no actions.")
        return WidgetItem.model_validate(row.item)


def _is_pending(row: ThreadItemRow, kind: str) -> bool:
    return row.kind == kind and row.item.get("status") == "pending"


def _action_item(
    thread_id: str, action: Action[str, Any], sender: WidgetItem | None
) -> HiddenContextItem:
    """What the model is told; the user has seen the widget react already."""
    item_id = new_id()
    content = {"widget": sender.id if sender else None, "action": action.model_dump(mode="json")}
    return HiddenContextItem(
        id=str(item_id), thread_id=thread_id, created_at=time_of(item_id), content=content
    )
