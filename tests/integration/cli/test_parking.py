from __future__ import annotations

import asyncpg

from tests.integration.cli.command_line import CommandLine, on_database
from tests.integration.cli.history import add_message, write_history


async def test_parked_streams_are_listed_and_tried_again(database_url: str) -> None:
    bad = (await write_history(database_url, is_contradictory=True)).conversation_id
    good = (await write_history(database_url)).conversation_id
    line = on_database(database_url)
    line.answer("db", "migrate")
    await add_message(database_url, bad, 5, "later")
    assert_listed(line, bad)
    await _park(database_url, good)
    ran = line.run("projections", "retry", "--json")
    outcomes = {row["stream_id"]: row["is_retried"] for row in ran.rows()}
    assert outcomes == {f"conversation-{bad}": False, f"conversation-{good}": True}
    assert (ran.code, ran.complaint()) == (1, "verbatim: Still parked: 1 of 2.")
    assert_listed(line, bad)
    topics = [row["topic"] for row in line.answer("events", "list", "--json").rows()]
    assert topics.count("projection.parked") == 2
    assert topics.count("projection.retried") == 1


def assert_listed(line: CommandLine, bad: str) -> None:
    (row,) = line.answer("projections", "parked", "--json").rows()
    assert row["stream_id"] == f"conversation-{bad}"
    assert (row["position"], row["stream_version"], row["missing"]) == (3, 3, 4)
    assert (row["event"], row["error"]) == ("conversation.tool_called", "InconsistentHistory")
    assert row["parked_at"].startswith("20")
    assert "milk" not in str(row)
    plain = line.answer("projections", "parked").out.splitlines()
    assert plain[0].split("\t")[:4] == [
        f"conversation-{bad}",
        "3",
        "conversation.tool_called",
        "InconsistentHistory",
    ]


async def test_one_conversation_is_tried_again(database_url: str) -> None:
    one = (await write_history(database_url)).conversation_id
    other = (await write_history(database_url, is_contradictory=True)).conversation_id
    line = on_database(database_url)
    line.answer("db", "migrate")
    await _park(database_url, one)
    assert line.answer("projections", "retry", one).out == (
        f"conversation-{one} is up to date again.\n"
    )
    (row,) = line.answer("projections", "parked", "--json").rows()
    assert row["stream_id"] == f"conversation-{other}"
    ran = line.run("projections", "retry", one)
    assert (ran.code, ran.out) == (1, "")
    assert "is not parked" in ran.complaint()


async def _park(url: str, conversation_id: str) -> None:
    """As the release before did, which could not apply an event that this one can."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            """WITH parked AS (
                INSERT INTO verbatim.parked (generation, stream_id, owner_id, position, error)
                SELECT g.generation, l.stream_id, l.owner_id, l.position, 'ValueError'
                FROM verbatim.generations AS g, verbatim.log AS l
                WHERE g.state = 'live' AND l.stream_id = $1 AND l.stream_version = 2 RETURNING *)
            INSERT INTO verbatim.parking_notes (stream_id, position, error)
            SELECT stream_id, position, error FROM parked""",
            f"conversation-{conversation_id}",
        )
    finally:
        await connection.close()
