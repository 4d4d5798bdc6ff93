from __future__ import annotations

import asyncio

import pytest

from commands.branching import RetryAfter
from commands.conversation import CONVERSATION, EditMessage
from commands.errors import Rejected
from commands.run import CompleteRun
from events import conversation as c
from tests.integration.commands.conversations import ADA, Handling, handling, post
from tests.log_node import new_stream


async def finish(at: Handling, stream: str, run_id: str) -> None:
    done = CompleteRun(run_id=run_id, attempt=1, usage=c.Usage())
    await at.handler.handle(CONVERSATION, stream, done, ADA)


async def test_forks_of_two_nodes_at_once_are_decided_one_after_the_other(
    database_url: str,
) -> None:
    async with handling(database_url) as one, handling(database_url) as two:
        stream = new_stream()
        await one.handler.handle(CONVERSATION, stream, post("m1", "r1"), ADA)
        await finish(two, stream, "r1")
        await one.handler.load(CONVERSATION, stream, "ada")
        retry = RetryAfter(message_id="m1", run_id="r2", branch_id="b2")
        edit = EditMessage(edited_message_id="m1", branch_id="b3", message=post("m3", "r3"))
        answers = await asyncio.gather(
            one.handler.handle(CONVERSATION, stream, retry, ADA),
            two.handler.handle(CONVERSATION, stream, edit, ADA),
            return_exceptions=True,
        )
        (refused,) = (a for a in answers if isinstance(a, BaseException))
        with pytest.raises(Rejected, match="stop it first"):
            raise refused
        is_retried = answers[1] is refused
        await finish(two, stream, "r2" if is_retried else "r3")
        at, again = (two, edit) if is_retried else (one, retry)
        await at.handler.handle(CONVERSATION, stream, again, ADA)
        _, state = await one.handler.load(CONVERSATION, stream, "ada")
        assert set(state.branches.forks) == {"b2", "b3"}
        assert state.branches.active_id == ("b3" if is_retried else "b2")
