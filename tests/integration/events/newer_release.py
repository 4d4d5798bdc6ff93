"""A newer release as a process of its own: one topic more, and another in a newer version.

    python -m tests.integration.events.newer_release <database URL> <stream> <definition>

It appends what only it knows. From the first line on its standard input on it projects; for each
line it waits until its projector has caught up, and prints what it sees as a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, ClassVar

import structlog

from events import conversation, event
from events.conversation import Renamed
from events.event import Event
from projections.building import Builder
from projections.conversations import ConversationRow
from projections.generations import definition, live_generation
from projections.projector import Projector
from tests.integration.projections.read_node import all_rows, eventually, projecting
from tests.log_node import LogNode, append_to, log_node


@event.event("conversation.mood_noted")
class MoodNoted(Event, frozen=True, kw_only=True):
    mood: str


class RenamedInLanguage(Renamed, frozen=True, kw_only=True):
    """Version 2 says in which language."""

    schema_version: ClassVar[int] = 2

    language: str

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["language"] = "en"


# In that release the class would simply have these fields.
event._topics[Renamed.topic] = RenamedInLanguage


async def main(url: str, stream_id: str, wanted: str) -> None:
    async with log_node(url) as node:
        await Builder(node.pool, node.store, wanted=wanted).ensure_live()
        version = len(await node.store.read_stream(stream_id))
        news = MoodNoted(mood="fine"), RenamedInLanguage(title="Titel", language="de")
        await node.store.append(append_to(stream_id, version, *news))
        await node.sealer.seal()
        projector = Projector(node.pool, node.store, node.signal, wanted=wanted)
        if not await _is_asked():
            return
        async with projecting(projector):
            while True:
                await _catch_up(node, projector)
                print(json.dumps(await _report(node, projector, stream_id, wanted)), flush=True)
                if not await _is_asked():
                    return


async def _is_asked() -> bool:
    return bool(await asyncio.to_thread(sys.stdin.readline))


async def _catch_up(node: LogNode, projector: Projector) -> None:
    head = await node.sealer.seal()
    await eventually(lambda: projector.status.position >= head)


async def _report(
    node: LogNode, projector: Projector, stream_id: str, wanted: str
) -> dict[str, Any]:
    generation = await live_generation(node.pool, wanted)
    assert generation is not None
    rows = (await all_rows(node, generation)).values()
    events = [recorded.event for recorded in await node.store.read_stream(stream_id)]
    return {
        "generation": generation.number,
        "state": projector.status.state,
        "position": projector.status.position,
        "titles": {
            conversation.stream_of(row.id): row.title
            for row in rows
            if isinstance(row, ConversationRow)
        },
        "languages": [e.language for e in events if isinstance(e, RenamedInLanguage)],
    }


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3] or definition()))
