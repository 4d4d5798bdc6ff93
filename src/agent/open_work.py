"""What an earlier attempt of a run left behind, from the events alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from events import conversation as c
from events.event import Event
from events.store import EventStore

PAGE_EVENTS = 200
#: The kind of thread item by which the user's page is asked to carry out a call.
CLIENT_CALL = "client_tool_call"


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A recorded tool call that has no result yet."""

    call_id: str
    name: str
    #: JSON text, as the model wrote it.
    arguments: str
    run_id: str = ""
    #: A server that is not ours was asked, or was about to be: it may have acted.
    is_begun: bool = False
    #: "" when it needs no approval, else requested | granted | denied.
    approval: str = ""
    #: What the user recognises the call by that needs approval.
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWork:
    #: Recorded calls without a result, in call order.
    calls: tuple[OpenCall, ...] = ()
    #: Call id to the reason, of calls that the user denied.
    denied: Mapping[str, str] = field(default_factory=dict)
    usage: c.Usage = field(default_factory=c.Usage)
    #: The owner was charged with them when the run paused.
    charged_tokens: int = 0
    #: The last response called no tool, or one of the user's page: only the run's end is missing.
    is_answered: bool = False

    @property
    def responses(self) -> int:
        """How many times earlier attempts heard from the model."""
        return self.usage.requests


async def find_open_work(store: EventStore, conversation_id: str, run_id: str) -> OpenWork:
    return open_work(await events_of_run(store, conversation_id, run_id), run_id)


async def events_of_run(store: EventStore, conversation_id: str, run_id: str) -> list[Event]:
    """The stream's events since the run was requested, oldest first."""
    found: list[Event] = []
    before = 2**63 - 1
    while True:
        page = await store.read_stream_backwards(
            c.stream_of(conversation_id), PAGE_EVENTS, before_version=before
        )
        for recorded in page:
            found.append(recorded.event)
            if isinstance(recorded.event, c.RunRequested) and recorded.event.run_id == run_id:
                return found[::-1]
        if len(page) < PAGE_EVENTS:
            return found[::-1]
        before = page[-1].stream_version


def open_work(events: Sequence[Event], run_id: str) -> OpenWork:
    calls: dict[str, OpenCall] = {}
    denied: dict[str, str] = {}
    usage = c.Usage()
    is_answered, charged_tokens = False, 0
    called: set[str] = set()
    for event in events:
        if is_handed_over(event, called):
            is_answered = True
        if getattr(event, "run_id", None) != run_id:
            continue
        match event:
            case c.ModelResponded():
                usage = add_usage(usage, event.usage)
                is_answered = not any(i.get("type") == "function_call" for i in event.items)
            case c.RunPaused():
                charged_tokens = tokens_of(usage)
            case c.ToolApprovalDenied(call_id=call_id, reason=reason):
                calls.pop(call_id, None)
                denied[call_id] = reason
            case c.ToolCompleted() | c.ToolFailed() | c.ToolOutcomeUnknown():
                calls.pop(event.call_id, None)
            case _:
                note_call(calls, event)
                called |= calls.keys()
    return OpenWork(
        calls=tuple(calls.values()),
        denied=denied,
        usage=usage,
        is_answered=is_answered,
        charged_tokens=charged_tokens,
    )


def is_handed_over(event: Event, call_ids: Collection[str]) -> bool:
    """Whether the user's page was asked to carry out one of these calls."""
    if not isinstance(event, c.ThreadItemPut) or event.item.get("type") != CLIENT_CALL:
        return False
    return event.item.get("call_id") in call_ids


def note_call(calls: dict[str, OpenCall], event: Event) -> None:
    """What an event says about a call, apart from its outcome."""
    match event:
        case c.ToolCalled():
            call = OpenCall(event.call_id, event.name, event.arguments, event.run_id)
            calls[event.call_id] = call
        case c.ToolBegun(call_id=call_id) if call_id in calls:
            calls[call_id] = replace(calls[call_id], is_begun=True)
        case c.ToolApprovalRequested(call_id=call_id, subject=subject):
            calls[call_id] = replace(calls[call_id], approval="requested", subject=subject)
        case c.ToolApprovalGranted(call_id=call_id):
            calls[call_id] = replace(calls[call_id], approval="granted")
        case c.ToolApprovalDenied(call_id=call_id):
            calls[call_id] = replace(calls[call_id], approval="denied")


def add_usage(one: c.Usage, other: c.Usage) -> c.Usage:
    return c.Usage(
        requests=one.requests + other.requests,
        input_tokens=one.input_tokens + other.input_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
    )


def tokens_of(usage: c.Usage) -> int:
    return usage.input_tokens + usage.output_tokens
