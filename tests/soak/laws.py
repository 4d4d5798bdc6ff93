"""The laws of docs' design, each a function from evidence to what breaks it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from agent.given_contexts import given_contexts
from events import conversation as c
from events import task
from projections.conversations import ConversationRow
from projections.messages import OPEN_STATUSES, MessageRow
from projections.runs import RunRow
from projections.thread_items import ThreadItemRow
from tests.log_node import LogNode
from tests.soak.evidence import ENDINGS, Evidence
from tests.soak.recordings import Intrusion, Look, Send, Stream, Surprise

OUTCOMES = (c.ToolCompleted, c.ToolFailed, c.ToolOutcomeUnknown, c.ToolApprovalDenied)
#: Tools with an effect.
EFFECTIVE = frozenset({"add_task", "complete_task", "reopen_task", "update_task", "delete_task"})
PING = ": ping\n\n"
END = ": end\n\n"

Law = Callable[[Evidence], Iterator[str]]


def streams_are_whole(evidence: Evidence) -> Iterator[str]:
    """Law 1: each stream's versions are contiguous, in the order of the log."""
    for stream_id, events in evidence.streams.items():
        versions = [one.stream_version for one in events]
        if versions != list(range(1, len(events) + 1)):
            yield f"{stream_id} has versions {versions}"
    if evidence.counts["wrong heads"]:
        yield f"{evidence.counts['wrong heads']} heads are not where their streams end"


def log_is_gapless(evidence: Evidence) -> Iterator[str]:
    """Law 2: positions 1..N, of every event there is, none smaller than an earlier message's."""
    positions = [one.position for one in evidence.log]
    if positions != list(range(1, len(positions) + 1)):
        yield "positions are not 1..N"
    for name, expected in (("inbox", 0), ("wrong leaves", 0), ("events", len(positions))):
        if evidence.counts[name] != expected:
            yield f"{name}: {evidence.counts[name]}, expected {expected}"
    yield from _wrong_order(evidence)


def _wrong_order(evidence: Evidence) -> Iterator[str]:
    """A message accepted before another was sent stands before it."""
    at = {
        one.event.run_id: one.position
        for one in evidence.log
        if isinstance(one.event, c.RunRequested)
    }
    # A retry under the same key is answered with what an earlier one stored.
    first: dict[str, Send] = {}
    for send in sorted(evidence.recorded(Send), key=lambda send: send.began_ns):
        first.setdefault(send.key, send)
    accepted = sorted(
        (s.answered_ns, at[s.run_id]) for s in evidence.recorded(Send) if s.run_id in at
    )
    began = sorted(
        (first[s.key].began_ns, at[s.run_id]) for s in evidence.recorded(Send) if s.run_id in at
    )
    newest, n = 0, 0
    for began_ns, position in began:
        while n < len(accepted) and accepted[n][0] < began_ns:
            newest, n = max(newest, accepted[n][1]), n + 1
        if position < newest:
            yield f"position {position} was given to a message sent after {newest} was accepted"


def accepted_messages_exist_once(evidence: Evidence) -> Iterator[str]:
    """Law 3: what was accepted is there, once; what was lost on the way at most once."""
    posted = Counter(
        one.event.text for one in evidence.log if isinstance(one.event, c.UserMessagePosted)
    )
    requested = {one.event.run_id for one in evidence.log if isinstance(one.event, c.RunRequested)}
    sends = evidence.recorded(Send)
    for key in {send.key for send in sends}:
        tries = [send for send in sends if send.key == key]
        run_ids = {send.run_id for send in tries if send.status == 200}
        text, times = tries[0].text, posted[tries[0].text]
        if len(run_ids) > 1:
            yield f"{key} was answered with the runs {sorted(map(str, run_ids))}"
        if run_ids - requested:
            yield f"run {run_ids} of {key} was never requested"
        if times > 1 or (run_ids and times != 1):
            yield f"{text!r} was accepted {len(run_ids)} times and stored {times} times"
    if unknown := posted.keys() - {send.text for send in sends}:
        yield f"nobody sent {sorted(unknown)}"


def rebuilding_changes_nothing(evidence: Evidence) -> Iterator[str]:
    """Law 4."""
    for key in evidence.rows.keys() | evidence.rebuilt.keys():
        kept, built = evidence.rows.get(key), evidence.rebuilt.get(key)
        if kept != built:
            yield f"{key}: kept {kept}, rebuilt {built}"
    if evidence.counts["parked"]:
        yield f"{evidence.counts['parked']} streams are parked"


def writers_see_their_writes(evidence: Evidence) -> Iterator[str]:
    """Law 5: whoever was answered finds the message in the history, on any node."""
    messages = {
        one.event.run_id: one.event.message_id
        for one in evidence.log
        if isinstance(one.event, c.RunRequested)
    }
    for look in evidence.recorded(Look):
        if messages.get(look.run_id) not in look.item_ids:
            yield f"{look.user} did not find the message of run {look.run_id}"


async def contexts_are_rederived(evidence: Evidence, node: LogNode) -> AsyncIterator[str]:
    """Law 6."""
    for run_id, events in evidence.runs.items():
        for given in await given_contexts(evidence.streams[events[0].stream_id], run_id, node.keys):
            if not given.is_proved:
                yield f"run {run_id} attempt {given.started.attempt}: another context"


def effects_happen_once(evidence: Evidence) -> Iterator[str]:
    """Law 7: an effect for each call that succeeded, none for no call, and never two."""
    calls = {one.event.call_id: one for one in evidence.log if isinstance(one.event, c.ToolCalled)}
    effects = Counter(
        one.event.call_id
        for one in evidence.log
        if one.stream_id.startswith(f"{task.CATEGORY}-") and hasattr(one.event, "call_id")
    )
    for call_id, times in effects.items():
        if times > 1:
            yield f"call {call_id} took effect {times} times"
        if call_id not in calls:
            yield f"call {call_id} took effect and was never recorded"
    for one in evidence.log:
        if isinstance(one.event, c.ToolCompleted):
            called = calls[one.event.call_id].event
            if called.name in EFFECTIVE and not effects[one.event.call_id]:
                yield f"call {one.event.call_id} of {called.name} succeeded without an effect"


def runs_have_ended(evidence: Evidence) -> Iterator[str]:
    """Every run has one end and nothing after it, and each of its calls one outcome before."""
    if evidence.counts["leases"]:
        yield f"{evidence.counts['leases']} leases are left"
    for run_id, events in evidence.runs.items():
        endings = [n for n, one in enumerate(events) if isinstance(one.event, ENDINGS)]
        if endings != [len(events) - 1]:
            yield f"run {run_id} ends at {endings} of {len(events)} events"
        yield from _attempts_out_of_order(run_id, [one.event for one in events])
        yield from _calls_without_outcome(run_id, [one.event for one in events])


def _attempts_out_of_order(run_id: str, events: list[Any]) -> Iterator[str]:
    """After a takeover the attempts before it record nothing."""
    attempts = [event.attempt for event in events if hasattr(event, "attempt")]
    if attempts != sorted(attempts):
        yield f"run {run_id} was written by the attempts {attempts}"


def _calls_without_outcome(run_id: str, events: list[Any]) -> Iterator[str]:
    called = Counter(event.call_id for event in events if isinstance(event, c.ToolCalled))
    outcomes = Counter(event.call_id for event in events if isinstance(event, OUTCOMES))
    if any(n > 1 for n in (called | outcomes).values()) or outcomes - called:
        yield f"run {run_id} has calls {called} with outcomes {outcomes}"
    if called - outcomes and isinstance(events[-1], c.RunCompleted):
        yield f"run {run_id} completed with calls open: {called - outcomes}"


def nothing_seems_to_run(evidence: Evidence) -> Iterator[str]:
    """No row of the read tables shows work that nobody does."""
    for row in evidence.rows.values():
        match row:
            case ConversationRow(active_run_id=str(run_id)):
                yield f"conversation {row.id} shows run {run_id} at work"
            case RunRow(ended_at=None):
                yield f"run {row.id} is {row.status}"
            case MessageRow(status="running"):
                yield f"message {row.id} is running"
            case MessageRow(tool_calls=calls) if any(
                call.status in OPEN_STATUSES for call in calls
            ):
                yield f"message {row.id} shows an open call"
            case ThreadItemRow(item={"task": {"status_indicator": "loading"}}):
                yield f"item {row.id} shows a running badge"


def frames_are_whole(evidence: Evidence) -> Iterator[str]:
    """A run's frames are 1..N and say last once; the newest states of its items are the history."""
    items = {row.id: row for row in evidence.rows.values() if isinstance(row, ThreadItemRow)}
    for run_id in evidence.runs:
        frames = evidence.frames[run_id]
        if [frame.seq for frame in frames] != list(range(1, len(frames) + 1)):
            yield f"run {run_id} has frames {[frame.seq for frame in frames]}"
        if [frame.is_last for frame in frames] != [*([False] * (len(frames) - 1)), True]:
            yield f"run {run_id} does not end with its last frame"
        for item_id, item in _final_items(evidence.shown(run_id)).items():
            kept = items[item_id].item if item_id in items else None
            if kept != item:
                yield f"run {run_id} showed {item} and the history has {kept}"


def _final_items(shown: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What a page shows once the stream is over."""
    items: dict[str, dict[str, Any]] = {}
    for event in shown:
        match event["type"]:
            case "thread.item.added" | "thread.item.done" | "thread.item.replaced":
                items[event["item"]["id"]] = event["item"]
            case "thread.item.removed":
                items.pop(event["item_id"], None)
    return items


def recordings_are_the_frames(evidence: Evidence) -> Iterator[str]:
    """Law 8: what a client read is the frame log from where it began, to where it was cut."""
    wholes: dict[str, list[str]] = {}
    for stream in evidence.recorded(Stream):
        blocks = wholes.setdefault(stream.run_id, _blocks(evidence, stream.run_id))
        expected = "".join(blocks[stream.after_seq :]) + END
        read = re.sub(f"(^|(?<=\n\n)){PING}", "", stream.body)
        if not expected.startswith(read) and not _is_cut_in_a_ping(expected, read):
            yield f"run {stream.run_id} after {stream.after_seq}: {stream.node} sent other bytes"
        elif stream.is_ended and read.endswith(END) and read != expected:
            yield f"run {stream.run_id} after {stream.after_seq}: {stream.node} ended early"


def _blocks(evidence: Evidence, run_id: str) -> list[str]:
    """A frame as it is on the wire; its position in the list is its number less one."""
    return [
        f"id: {run_id}:{frame.seq}\ndata: {frame.body.decode('latin-1')}\n\n" if frame.body else ""
        for frame in evidence.frames[run_id]
    ]


def _is_cut_in_a_ping(expected: str, read: str) -> bool:
    return any(
        read.endswith(PING[:n]) and expected.startswith(read[:-n]) for n in range(1, len(PING))
    )


def strangers_are_refused(evidence: Evidence) -> Iterator[str]:
    """Law 9."""
    for intrusion in evidence.recorded(Intrusion):
        if intrusion.status != (403 if intrusion.user else 401):
            yield f"{intrusion.user} was answered {intrusion.status} for {intrusion.request}"


def nobody_was_surprised(evidence: Evidence) -> Iterator[str]:
    for surprise in evidence.recorded(Surprise):
        yield f"{surprise.user}: {surprise.what}"


LAWS: tuple[Law, ...] = (
    streams_are_whole,
    log_is_gapless,
    accepted_messages_exist_once,
    rebuilding_changes_nothing,
    writers_see_their_writes,
    effects_happen_once,
    runs_have_ended,
    nothing_seems_to_run,
    frames_are_whole,
    recordings_are_the_frames,
    strangers_are_refused,
    nobody_was_surprised,
)


async def violations(evidence: Evidence, node: LogNode) -> dict[str, list[str]]:
    """Law to what breaks it; empty lists are what one hopes for."""
    found = {law.__name__: list(law(evidence)) for law in LAWS}
    found["contexts_are_rederived"] = [one async for one in contexts_are_rederived(evidence, node)]
    return found


def tally(evidence: Evidence) -> dict[str, int]:
    """How much the verdict rests on."""
    counts = Counter(type(entry).__name__.lower() for entry in evidence.entries)
    return {"events": len(evidence.log), "runs": len(evidence.runs), **counts}
