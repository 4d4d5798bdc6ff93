from __future__ import annotations

from tests.integration.cli.command_line import on_database
from tests.integration.cli.history import write_history


async def test_erased_user_is_shown_without_content(database_url: str) -> None:
    written = await write_history(database_url)
    line = on_database(database_url)
    unsure = line.run("users", "erase", "ada")
    assert (unsure.code, "--yes" in unsure.complaint()) == (2, True)
    (row,) = line.answer("users", "erase", "ada", "--yes", "--json").rows()
    assert row == {"user_id": "ada", "keys": 1, "runs": 0}
    replayed = line.answer("events", "replay", written.conversation_id).out
    assert "milk" not in replayed
    assert "(erased)" in replayed
    listed = line.answer("events", "list", "--category", "user").out
    assert "user.erased" in listed
    again = line.run("users", "erase", "ada", "--yes")
    assert again.code == 1
    assert again.complaint() == "verbatim: Nothing is held on the user ada."


def test_nothing_is_erased_that_was_never_encrypted(database_url: str) -> None:
    line = on_database(database_url)
    refused = line.run("users", "erase", "ada", "--yes", VERBATIM_ENCRYPTION="off")
    assert refused.code == 1
    assert "VERBATIM_ENCRYPTION=off" in refused.complaint()
