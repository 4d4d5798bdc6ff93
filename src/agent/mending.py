"""The beginning of a takeover: what the attempts before have left half shown and half done."""

from __future__ import annotations

from agent.claims import Claim
from agent.frame_reader import FrameReader
from agent.frame_writer import RunFrames
from agent.open_work import OpenWork, events_of_run, open_work
from agent.torn_frames import mend
from commands.conversation import CONVERSATION
from commands.handle import CommandHandler, Origin
from commands.run import ResumeRun
from events.conversation import stream_of
from events.store import EventStore


async def resume_run(handler: CommandHandler, claim: Claim) -> int:
    """From then on the attempts before record nothing. Raises CommandError when the run is over.

    Answers the attempt that began the run, or that the last decision of the user gave it.
    """
    if claim.is_resumed:
        return claim.attempt
    handled = await handler.handle(
        CONVERSATION,
        stream_of(claim.conversation_id),
        ResumeRun(run_id=str(claim.run_id), attempt=claim.attempt),
        Origin(owner_id=claim.owner_id, actor=f"agent:{claim.run_id}"),
    )
    return handled.state.runs[str(claim.run_id)].first_attempt


async def mend_stream(
    store: EventStore, reader: FrameReader, claim: Claim, frames: RunFrames
) -> OpenWork:
    """Emits what makes the stream whole; answers what is still to be done."""
    run_id = str(claim.run_id)
    events = await events_of_run(store, claim.conversation_id, run_id)
    sent = await reader.stored(claim.run_id, claim.owner_id)
    for event in mend(sent, events, claim.conversation_id, run_id):
        frames.emit(event)
    return open_work(events, run_id)
