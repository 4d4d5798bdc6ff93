"""The conversation decider: what a user may do with a conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from commands import approval, run
from commands.approval import ApprovalCommand, DecideCall, PauseRun, StopWaiting
from commands.begin_tool import BeginTool, begin_tool
from commands.branching import (
    RetryAfter,
    SwitchBranch,
    check_quiet,
    forked,
    how_to_end,
    interruptions,
    make_way,
    retry,
    superseded,
    switch,
    switched,
)
from commands.conversation_state import ConversationState, evolve
from commands.decider import Decider
from commands.errors import InvalidCommand, NotFound, Rejected
from commands.feedback import GiveFeedback, give_feedback
from commands.run import RunCommand
from commands.session import SessionCommand, change_session
from commands.summarizing import RecordSummary, summarize
from commands.titles import checked_title, first_words
from events import conversation as c
from events.event import Event
from events.storable import is_tree_storable

TEXT_CHARACTERS = 32_000
MESSAGE_ATTACHMENTS = 10
QUEUED_RUNS = 20
#: What may become of a message that is sent while a run is unfinished.
SEND_POLICIES = ("enqueue", "reject", "interrupt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostMessage:
    """Starts the conversation when it is new, and asks for a reply."""

    message_id: str
    run_id: str
    text: str
    content: tuple[dict[str, Any], ...] = ()
    attachments: tuple[c.Attachment, ...] = ()
    quoted_text: str | None = None
    inference_options: dict[str, Any] = field(default_factory=dict)
    #: Whether a conversation that does not exist is started (else NotFound).
    may_start: bool = False
    #: The branch that it goes on with; None is the active one.
    branch_id: str | None = None
    #: What to do while other runs are unfinished: one of SEND_POLICIES.
    policy: str = "enqueue"


@dataclass(frozen=True, slots=True, kw_only=True)
class EditMessage:
    """Puts another message in the place of one, on a new branch, and asks for a reply."""

    edited_message_id: str
    branch_id: str
    message: PostMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRun:
    """Asks for a reply to something other than a message: an item that the user answered.

    The items are put and removed in the append that requests the run.
    """

    run_id: str
    #: tool_output | structured_input | action
    trigger: str
    put: tuple[dict[str, Any], ...] = ()
    removed_item_ids: tuple[str, ...] = ()
    #: Items that must still wait for the user; another request may have answered them meanwhile.
    pending_item_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NameConversation:
    """The model's title, for a conversation that nobody has named."""

    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class PutItem:
    item: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveItem:
    item_id: str


ConversationCommand = (
    Start
    | PostMessage
    | RetryAfter
    | EditMessage
    | SwitchBranch
    | RequestRun
    | Rename
    | NameConversation
    | Delete
    | PutItem
    | RemoveItem
    | GiveFeedback
    | BeginTool
    | RecordSummary
    | SessionCommand
    | RunCommand
    | ApprovalCommand
)


def decide(command: ConversationCommand, state: ConversationState) -> list[Event]:
    match command:
        case Start():
            return _start(command, state)
        case PostMessage():
            return _post(command, state)
        case RetryAfter():
            return retry(command, _active(state))
        case EditMessage():
            return _edit(command, _active(state))
        case SwitchBranch():
            return switch(command, _active(state))
        case RequestRun():
            return _request_run(command, _active(state))
        case Rename():
            return _rename(checked_title(command.title), _active(state))
        case NameConversation():
            is_named = _active(state).is_named
            return [] if is_named else [c.Renamed(title=checked_title(command.title))]
        case Delete():
            return _delete(_active(state))
        case PutItem():
            _active(state)
            _check_storable(command.item)
            return [c.ThreadItemPut(item=command.item)]
        case RemoveItem():
            _active(state)
            return [c.ThreadItemRemoved(item_id=command.item_id)]
        case GiveFeedback():
            _active(state)
            return give_feedback(command)
        case BeginTool():
            return begin_tool(command, _active(state))
        case RecordSummary():
            return summarize(command, _active(state))
        case PauseRun() | DecideCall() | StopWaiting():
            return approval.decide(command, _active(state))
        case _ if isinstance(command, SessionCommand):
            return change_session(command, state if state.status == "none" else _active(state))
        case _:
            return run.decide(command, _active(state))


CONVERSATION: Decider[ConversationCommand, ConversationState] = Decider(
    "conversation", ConversationState, decide, evolve
)


def _start(command: Start, state: ConversationState) -> list[Event]:
    if state.status != "none":
        _active(state)
        return []
    return [c.Started(title=checked_title(command.title))]


def _post(command: PostMessage, state: ConversationState) -> list[Event]:
    started: list[Event] = []
    if state.status == "none" and command.may_start:
        started = [c.Started(title=first_words(command.text))]
    else:
        _active(state)
    _check_message(command, state)
    if state.runs and command.policy == "reject":
        raise Rejected("run_unfinished", how_to_end(state))
    if sum(run.status != "waiting" for run in state.runs.values()) >= QUEUED_RUNS:
        raise Rejected("queue_full", f"{QUEUED_RUNS} messages already wait for a reply.")
    is_urgent = command.policy == "interrupt"
    ended = interruptions(command.run_id, state) if is_urgent else superseded(state)
    return [*started, *ended, *_continued(command, state), *_posted(command)]


def _continued(command: PostMessage, state: ConversationState) -> list[Event]:
    """Whoever writes below what they read goes on with that, wherever another tab went."""
    if command.branch_id is None or state.status == "none":
        return []
    return switched(command.branch_id, command.policy, state)


def _posted(command: PostMessage) -> list[Event]:
    posted = c.UserMessagePosted(
        message_id=command.message_id,
        text=command.text,
        content=command.content,
        attachments=command.attachments,
        quoted_text=command.quoted_text,
        inference_options=command.inference_options,
    )
    return [posted, c.RunRequested(run_id=command.run_id, message_id=command.message_id)]


def _edit(command: EditMessage, state: ConversationState) -> list[Event]:
    fork = forked(command.branch_id, command.edited_message_id, "before", state)
    _check_message(command.message, state)
    interrupted = make_way(command.message.policy, command.message.run_id, state)
    return [*interrupted, fork, *_posted(command.message)]


def _request_run(command: RequestRun, state: ConversationState) -> list[Event]:
    _check_storable(command.put)
    if not all(map(state.is_pending, command.pending_item_ids)):
        raise Rejected("item_answered", "This no longer waits for an answer.")
    check_quiet(state)
    if state.last_message_id is None:
        raise Rejected("no_message", "The conversation has no message to reply to yet.")
    requested = c.RunRequested(
        run_id=command.run_id, message_id=state.last_message_id, trigger=command.trigger
    )
    return [
        *(c.ThreadItemPut(item=item) for item in command.put),
        *(c.ThreadItemRemoved(item_id=item_id) for item_id in command.removed_item_ids),
        requested,
    ]


def _rename(title: str, state: ConversationState) -> list[Event]:
    """The first words may be what the user wants: said so, the model calls it nothing else."""
    is_same = title == state.title and state.is_named
    return [] if is_same else [c.Renamed(title=title)]


def _delete(state: ConversationState) -> list[Event]:
    ended = [c.RunCancelled(run_id=run_id) for run_id in state.runs]
    return [*ended, c.Deleted()]


def _check_message(command: PostMessage, state: ConversationState) -> None:
    if command.policy not in SEND_POLICIES:
        raise InvalidCommand(f"The policy is one of {', '.join(SEND_POLICIES)}.")
    if command.message_id in state.messages:
        raise Rejected("message_exists", "A message with this id was already posted.")
    if command.run_id in state.runs:
        raise Rejected("run_exists", "A run with this id is already unfinished.")
    if not command.text.strip() and not command.attachments:
        raise InvalidCommand("A message needs text.")
    if len(command.text) > TEXT_CHARACTERS:
        raise InvalidCommand(f"A message has at most {TEXT_CHARACTERS} characters.")
    if len(command.attachments) > MESSAGE_ATTACHMENTS:
        raise InvalidCommand(f"A message has at most {MESSAGE_ATTACHMENTS} attachments.")
    if len(command.quoted_text or "") > TEXT_CHARACTERS:
        raise InvalidCommand(f"A quoted text has at most {TEXT_CHARACTERS} characters.")
    names = [(a.attachment_id, a.name, a.mime_type) for a in command.attachments]
    _check_storable(
        (command.text, command.quoted_text, command.content, command.inference_options, names)
    )


def _check_storable(content: Any) -> None:
    if not is_tree_storable(content):
        raise InvalidCommand("What is sent must be valid Unicode text without NUL characters.")


def _active(state: ConversationState) -> ConversationState:
    if state.status != "active":
        raise NotFound("There is no such conversation.")
    return state
