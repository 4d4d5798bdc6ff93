"""What `verbatim events replay` takes together, before it looks for a database."""

from __future__ import annotations

import pytest

from cli.errors import Usage
from cli.main import app
from cli.moments import Moment
from cli.replay_wanted import wanted_of

CONVERSATION = "01a1f89a-a084-74e5-aa55-4c307a5ced8b"


@pytest.mark.parametrize(
    "options",
    [
        "--diff 1 2 --at 3",
        "--diff 1 2 --as messages",
        "--diff 1 milk",
        "--branch main",
        "--branch main --diff 1 2",
        "--follow --as messages",
        "--follow --diff 1 2",
        "--follow --format html",
        "--json --format html",
    ],
)
def test_what_does_not_go_together_is_wrong_usage(options: str) -> None:
    with pytest.raises(Usage):
        app(["events", "replay", CONVERSATION, *options.split()], standalone_mode=False)


def test_points_to_compare_are_of_any_kind() -> None:
    wanted = wanted_of(
        view="events",
        at=None,
        diff=("3", "@9"),
        branch_id=None,
        follow=False,
        form=None,
        as_json=True,
    )
    assert wanted.diff == (Moment(version=3), Moment(position=9))
    assert wanted.form == "json"
