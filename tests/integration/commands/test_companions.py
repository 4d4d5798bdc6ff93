"""Rows that are written with an append: when it wins, and only then."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from commands.conversation import CONVERSATION, Rename
from events import conversation as c
from events.errors import VersionConflict
from events.event import Event
from events.ids import new_id
from events.stored import Append, Companion
from tests.log_node import append_to, new_stream

from .conversations import ADA, Handling, claims, handling, lease, post

INNOCENTS = 40


async def test_companion_is_written_with_the_append(database_url: str) -> None:
    async with handling(database_url) as ours:
        command = post()
        await ours.handler.handle(CONVERSATION, new_stream(), command, ADA, claims("conv"))
        row = await ours.node.pool.fetchrow(
            "SELECT run_id::text, conversation_id, owner_id, attempt FROM verbatim.leases"
        )
        assert tuple(row) == (command.run_id, "conv", "ada", 1)


async def test_companion_of_a_lost_append_is_not_written(database_url: str) -> None:
    async with handling(database_url) as ours:
        stream = new_stream()
        await ours.node.store.append(append_to(stream, 0))
        kept, lost = new_id(), new_id()
        outcomes = await asyncio.gather(
            ours.node.store.append(with_companions(append_to(new_stream(), 0), lease(kept))),
            ours.node.store.append(with_companions(append_to(stream, 0), lease(lost))),
            return_exceptions=True,
        )
        assert isinstance(outcomes[1], VersionConflict)
        assert await ours.leases() == {str(kept)}


async def test_companion_of_the_winning_attempt_only_is_written(database_url: str) -> None:
    async with handling(database_url) as one, handling(database_url) as two:
        stream = new_stream()
        offered: list[str] = []

        def companions(events: Sequence[Event], state: object) -> list[Companion]:
            run_id = str(new_id())
            offered.append(run_id)
            return [lease(run_id)]

        await one.handler.handle(CONVERSATION, stream, post(), ADA)
        await asyncio.gather(
            *(
                (one, two)[n % 2].handler.handle(
                    CONVERSATION, stream, Rename(title=f"t{n}"), ADA, companions
                )
                for n in range(20)
            )
        )
        leases = await one.leases()
        assert len(leases) == 20
        assert leases <= set(offered)


async def test_companion_that_is_refused_rolls_its_append_back(database_url: str) -> None:
    async with handling(database_url) as ours:
        run_id, stream = str(new_id()), new_stream()
        await ours.handler.handle(CONVERSATION, new_stream(), post("m1", run_id), ADA, claims())
        with pytest.raises(asyncpg.UniqueViolationError):
            await ours.handler.handle(CONVERSATION, stream, post("m2", run_id), ADA, claims())
        assert await ours.events_of(stream) == []
        assert await ours.count("heads") == 1
        assert await ours.leases() == {run_id}
        handled = await ours.handler.handle(CONVERSATION, stream, post("m2"), ADA, claims())
        assert handled.version == 3


async def test_refused_companion_keeps_its_idempotency_key_free(database_url: str) -> None:
    async with handling(database_url) as ours:
        run_id = new_id()
        stream = new_stream()
        await ours.node.store.append(with_companions(append_to(new_stream(), 0), lease(run_id)))
        keyed = append_to(stream, 0, idempotency_key="k", request_body=b"body")
        with pytest.raises(asyncpg.UniqueViolationError):
            await ours.node.store.append(with_companions(keyed, lease(run_id)))
        assert await ours.count("idempotency") == 0
        appended = await ours.node.store.append(with_companions(keyed, lease(new_id())))
        assert not appended.is_replay


@pytest.mark.parametrize(
    ("refused", "error"),
    [
        ("duplicate", asyncpg.UniqueViolationError),
        ("nul", asyncpg.CharacterNotInRepertoireError),
        ("type", asyncpg.DataError),
        ("missing table", asyncpg.UndefinedTableError),
    ],
)
async def test_refused_companion_does_not_break_the_appends_grouped_with_it(
    database_url: str, refused: str, error: type[Exception]
) -> None:
    async with handling(database_url, is_sealing=False) as ours:
        taken = new_id()
        await ours.node.store.append(with_companions(append_to(new_stream(), 0), lease(taken)))
        companion = {
            "duplicate": lease(taken),
            "nul": lease(new_id(), "a\x00b"),
            "type": lease(new_id(), 7),
            "missing table": Companion(statement="INSERT INTO verbatim.nothing SELECT", values=()),
        }[refused]
        guilty = new_stream()
        run_ids = [new_id() for _ in range(INNOCENTS)]
        appends = [with_companions(append_to(new_stream(), 0), lease(r)) for r in run_ids]
        appends.insert(17, with_companions(append_to(guilty, 0), companion))
        outcomes = await asyncio.gather(
            *(ours.node.store.append(append) for append in appends), return_exceptions=True
        )
        assert isinstance(outcomes.pop(17), error)
        assert [getattr(o, "last_version", o) for o in outcomes] == [1] * INNOCENTS
        assert await ours.events_of(guilty) == []
        assert await ours.leases() == {str(taken), *map(str, run_ids)}
        statements = await ours.count("inbox") - 1
        assert statements < INNOCENTS / 2, "the appends were not grouped, so this proves nothing"


async def test_several_refused_companions_fail_alone(database_url: str) -> None:
    async with handling(database_url) as ours:
        taken = new_id()
        await ours.node.store.append(with_companions(append_to(new_stream(), 0), lease(taken)))
        appends = [
            with_companions(append_to(new_stream(), 0), lease(taken if n % 5 == 0 else new_id()))
            for n in range(30)
        ]
        outcomes = await asyncio.gather(
            *(ours.node.store.append(append) for append in appends), return_exceptions=True
        )
        refused = [isinstance(outcome, asyncpg.UniqueViolationError) for outcome in outcomes]
        assert refused == [n % 5 == 0 for n in range(30)]
        assert await ours.count("events") == 25


async def test_two_grouped_appends_with_one_companion_have_one_winner(database_url: str) -> None:
    async with handling(database_url) as ours:
        await ours.node.keys.current("ada")
        run_id = str(new_id())
        outcomes = await asyncio.gather(
            *(
                ours.handler.handle(CONVERSATION, new_stream(), post("m", run_id), ADA, claims())
                for _ in range(4)
            ),
            return_exceptions=True,
        )
        errors = [o for o in outcomes if isinstance(o, BaseException)]
        assert [type(error) for error in errors] == [asyncpg.UniqueViolationError] * 3
        assert await ours.count("events") == 3


async def test_refused_companion_undoes_an_append_to_several_streams(database_url: str) -> None:
    async with handling(database_url) as ours:
        taken = new_id()
        await ours.node.store.append(with_companions(append_to(new_stream(), 0), lease(taken)))
        one, two = new_stream(), new_stream()
        with pytest.raises(asyncpg.UniqueViolationError):
            await ours.node.store.append_all(
                [append_to(one, 0), with_companions(append_to(two, 0), lease(taken))]
            )
        assert await ours.events_of(one) == []
        assert await ours.events_of(two) == []
        await ours.node.store.append_all(
            [append_to(one, 0), with_companions(append_to(two, 0), lease(new_id()))]
        )
        assert await _all_started(ours, one, two)


async def _all_started(ours: Handling, *streams: str) -> bool:
    return all([await ours.events_of(stream) == [c.Started()] for stream in streams])


def with_companions(append: Append, *companions: Companion) -> Append:
    fields: dict[str, Any] = {name: getattr(append, name) for name in Append.__slots__}
    return Append(**{**fields, "companions": companions})
