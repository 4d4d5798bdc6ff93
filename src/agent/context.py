"""The context of a run: what the model is given, as a pure function of the events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from agent.inference import Inference, inference_of
from agent.input_items import UniqueIds, run_items, user_item
from agent.notes import notes_item, turns_after_summary
from agent.replayed_items import Item
from agent.turns import Turn, last_turns, turns_before
from events import conversation as c
from events.cipher import DataKey
from events.history import HistorySummarized
from events.stored import RecordedEvent

OUTPUT_CHARACTERS = 20_000
CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Context:
    #: Input items of the OpenAI Responses API.
    items: tuple[dict[str, Any], ...]
    #: The summary, if it begins with one, then every message, response, tool call and tool result
    #: of the turns in it, turn by turn.
    event_ids: tuple[str, ...]
    #: An estimate: a token is four characters of the items' canonical JSON, rounded up.
    tokens: int
    #: What the message asks for that is not among the items.
    inference: Inference = field(default_factory=Inference)


def build_context(
    recorded: Sequence[RecordedEvent],
    run_id: str,
    limit: int,
    output_characters: int = OUTPUT_CHARACTERS,
    summary: RecordedEvent | None = None,
) -> Context:
    """The last `limit` messages for a run, in whole turns; its own turn is always in it.

    `recorded` are events of one conversation in version order, from a turn's beginning (or the
    middle of an older turn) on. Tool outputs are cut at `output_characters`. With the
    history_summarized event `summary` it begins with those notes, and then with what came after.

    Raises NotFound when the run is not among the events.
    """
    ids = UniqueIds()
    items: list[Item] = []
    event_ids: list[str] = []
    turns: Sequence[Turn] = turns_before(recorded, run_id)
    if summary is not None and (later := turns_after_summary(turns, summary)):
        turns = later
        items.append(notes_item(summary, ids))
        event_ids.append(summary.event_id)
    for turn in last_turns(turns, limit).turns:
        items.append(user_item(turn.message))
        for run in turn.runs:
            items += run_items(run, ids, output_characters)
        event_ids += turn.event_ids
    characters = len(_canonical_json(items).decode())
    tokens = -(-characters // CHARACTERS_PER_TOKEN)
    return Context(tuple(items), tuple(event_ids), tokens, inference_of(turns[-1]))


def rederive(
    before: Sequence[RecordedEvent],
    started: c.RunStarted,
    output_characters: int = OUTPUT_CHARACTERS,
) -> Context:
    """The context that an attempt was given, from the events `before` its run_started.

    The limit is the number of messages recorded there, so a setting changed since does not matter.

    Raises NotFound when the run cannot be found.
    """
    given = set(started.context_event_ids)
    held = [one for one in before if one.event_id in given]
    summary = next((one for one in held if isinstance(one.event, HistorySummarized)), None)
    limit = _count_messages(held)
    return build_context(before, started.run_id, limit, output_characters, summary)


def context_hash(key: DataKey, context: Context) -> str:
    """Keyed, because a plain hash would confirm a guess at the content."""
    return key.keyed_hash(_canonical_json(context.items)).hex()


def _count_messages(recorded: Iterable[RecordedEvent]) -> int:
    return sum(
        isinstance(r.event, c.UserMessagePosted | c.AssistantMessagePosted) for r in recorded
    )


def _canonical_json(items: Sequence[Item]) -> bytes:
    return orjson.dumps(items, option=orjson.OPT_SORT_KEYS)
