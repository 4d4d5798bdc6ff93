"""A long log as many users would leave it: mostly short conversations, tools, several scripts."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import asyncpg

from events import codec
from events import conversation as c
from events.cipher import DataKey
from events.event import Event
from events.ids import new_id_text
from events.keys import KeyRing
from events.stored import Append

#: Conversations that go on side by side, so that their events interleave.
CROWD = 500
EVENTS_A_TURN = 7.2
TOOL_SHARE = 0.4
LONGEST_TURNS = 1_000
CONTEXT_EVENTS = 15
USER = "user:someone"
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)

#: A conversation is in one of them.
LANGUAGES = (
    "please add the milk and bread to my list before tomorrow morning what is still open for this "
    "week deploy rollback meeting notes budget quarter review draft",
    "bitte füge Größe und Straße zur Liste hinzu was ist noch offen naïve café déjà vu für morgen",
    "пожалуйста добавь молоко в список что ещё открыто на этой неделе встреча бюджет привет мир",
    "今日の予定を 教えて 明日の会議 買い物リスト 🛒 牛乳 追加して 할 일 목록 회의 メモ 残り",
)
SHARES = (70, 10, 10, 10)
TOOLS = ("add_task", "list_tasks", "complete_task", "delete_task", "update_task")

_EVENT_COLUMNS = (
    "stream_id",
    "stream_version",
    "event_id",
    "topic",
    "schema_version",
    "state",
    "owner_id",
    "metadata",
    "recorded_at",
)
_LOG_COLUMNS = ("position", "stream_id", "stream_version", "owner_id", "leaf")
_HEAD_COLUMNS = ("stream_id", "version", "appended", "owner_id")
#: Nobody proves this log.
_LEAF = bytes(32)


@dataclass(frozen=True, slots=True)
class Size:
    conversations: int
    events: int
    #: Nothing but messages of users, so that there are as many messages as events.
    is_of_messages: bool = False

    @property
    def owners(self) -> int:
        return max(1, self.conversations // 10)

    @property
    def mean_turns(self) -> float:
        return self.events / self.conversations / EVENTS_A_TURN


async def write_log(pool: asyncpg.Pool, keys: KeyRing, size: Size) -> int:
    """Writes the events as they would be stored and sealed. Answers the head's position."""
    chance = random.Random(7)  # noqa: S311
    position = 0
    for begun in range(0, size.conversations, CROWD):
        crowd = min(CROWD, size.conversations - begun)
        owners = [f"user-{chance.randrange(size.owners)}" for _ in range(crowd)]
        data_keys = {owner: await keys.current(owner) for owner in set(owners)}
        rows = [
            row
            for n, owner in enumerate(owners)
            for row in _conversation(chance, size, data_keys[owner], begun + n)
        ]
        position = await _store(pool, rows, position)
        await asyncio.sleep(0)
    async with pool.acquire() as connection:
        await connection.execute("VACUUM ANALYZE verbatim.events, verbatim.log, verbatim.heads")
    return position


Row = tuple[Any, ...]
#: A text of about so many words.
Say = Callable[[int], str]


async def _store(pool: asyncpg.Pool, rows: list[Row], position: int) -> int:
    rows.sort(key=lambda row: (row[8], row[0], row[1]))
    places = [(position + n, r[0], r[1], r[6], _LEAF) for n, r in enumerate(rows, start=1)]
    heads = {r[0]: (r[0], r[1], 1, r[6]) for r in rows}
    async with pool.acquire() as connection, connection.transaction():
        for table, columns, records in (
            ("events", _EVENT_COLUMNS, rows),
            ("log", _LOG_COLUMNS, places),
            ("heads", _HEAD_COLUMNS, heads.values()),
        ):
            await connection.copy_records_to_table(
                table, schema_name="verbatim", columns=columns, records=records
            )
    return position + len(rows)


def _conversation(chance: random.Random, size: Size, key: DataKey, n: int) -> Iterator[Row]:
    stream_id = c.stream_of(new_id_text())
    moment = BEGINNING + timedelta(minutes=n // CROWD * 60, seconds=chance.random() * 60)
    words = chance.choices(LANGUAGES, SHARES)[0].split()
    say = partial(_text, chance, words)
    history = _monologue if size.is_of_messages else _history
    for version, (event, actor) in enumerate(history(chance, size, say), start=1):
        moment += timedelta(seconds=chance.expovariate(1.0))
        yield _row(stream_id, version, event, actor, key, moment)


def _turns(chance: random.Random, mean: float) -> int:
    """Most are short and a few very long: a Pareto distribution of that mean."""
    shape = 1.5
    return min(
        LONGEST_TURNS, max(1, round(chance.paretovariate(shape) * mean * (shape - 1) / shape))
    )


def _row(
    stream_id: str, version: int, event: Event, actor: str, key: DataKey, moment: datetime
) -> Row:
    append = Append(
        stream_id=stream_id, expected_version=0, owner_id=key.owner_id, events=(), actor=actor
    )
    event_id = new_id_text()
    metadata = codec.encode_metadata(append, [event_id], key, None)[0]
    state = codec.encode_state(event, key, stream_id, version)
    of_class = (event.topic, event.schema_version)
    return (stream_id, version, event_id, *of_class, state, key.owner_id, metadata, moment)


def _monologue(chance: random.Random, size: Size, say: Say) -> Iterator[tuple[Event, str]]:
    yield c.Started(), USER
    for _ in range(_turns(chance, size.events / size.conversations)):
        yield c.UserMessagePosted(message_id=new_id_text(), text=say(25)), USER


def _history(chance: random.Random, size: Size, say: Say) -> Iterator[tuple[Event, str]]:
    yield c.Started(), USER
    for turn in range(_turns(chance, size.mean_turns)):
        message_id, run_id = new_id_text(), new_id_text()
        yield c.UserMessagePosted(message_id=message_id, text=say(25)), USER
        yield c.RunRequested(run_id=run_id, message_id=message_id), USER
        for event in _run(chance, run_id, turn, say):
            yield event, f"agent:{run_id}"
        if turn == 0:
            yield c.Renamed(title=say(4)), "system"


def _run(chance: random.Random, run_id: str, turn: int, say: Say) -> Iterator[Event]:
    yield c.RunStarted(
        run_id=run_id,
        attempt=1,
        model="a-model",
        context_event_ids=tuple(new_id_text() for _ in range(min(CONTEXT_EVENTS, 1 + turn * 5))),
        context_hash="0" * 64,
        context_tokens=800,
    )
    if chance.random() < TOOL_SHARE:
        yield from _call(chance, run_id, say)
    answer = say(60)
    yield _responded(run_id, {"type": "message", "content": [{"text": answer}]})
    yield c.AssistantMessagePosted(run_id=run_id, message_id=new_id_text(), text=answer)
    usage = c.Usage(requests=1, input_tokens=800, output_tokens=80)
    yield c.RunCompleted(run_id=run_id, usage=usage)


def _call(chance: random.Random, run_id: str, say: Say) -> Iterator[Event]:
    call_id, name = new_id_text(), chance.choice(TOOLS)
    arguments = json.dumps({"title": say(4)})
    yield _responded(run_id, {"type": "function_call", "name": name, "arguments": arguments})
    yield c.ToolCalled(
        run_id=run_id,
        attempt=1,
        call_id=call_id,
        provider_call_id=f"call_{call_id}",
        name=name,
        arguments=arguments,
    )
    output = json.dumps({"title": say(4), "status": "pending", "id": call_id})
    yield c.ToolCompleted(run_id=run_id, call_id=call_id, output=output)


def _responded(run_id: str, item: dict[str, Any]) -> Event:
    usage = c.Usage(requests=1, input_tokens=800, output_tokens=80)
    return c.ModelResponded(
        run_id=run_id, attempt=1, response_id=new_id_text(), items=(item,), usage=usage
    )


def _text(chance: random.Random, words: Sequence[str], mean: int) -> str:
    return " ".join(chance.choices(words, k=max(1, round(chance.expovariate(1 / mean)))))
