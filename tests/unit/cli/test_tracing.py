"""A run's tree on a terminal."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from cli.run_trace import Step
from cli.tracing import _print_tree
from events import conversation as c
from events.event import Event
from events.stored import RecordedEvent, StoredEvent

AT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def step_of(position: int, event: Event, *caused: Step, is_erased: bool = False) -> Step:
    event_id = uuid.UUID(int=position)
    stored = StoredEvent("conversation-1", position, event_id, event.topic, 1, b"", "ada", "{}", AT)
    recorded = RecordedEvent(
        stream_id="conversation-1",
        stream_version=position,
        event_id=str(event_id),
        event=event,
        owner_id="ada",
        recorded_at=AT,
    )
    return Step(stored, None if is_erased else recorded, list(caused))


def test_tree_hangs_effects_below_causes(capsys: pytest.CaptureFixture[str]) -> None:
    ended = step_of(3, c.RunCancelled(run_id="r1"), is_erased=True)
    asked = step_of(2, c.RunRequested(run_id="r1", message_id="m1"), ended)
    said = c.UserMessagePosted(message_id="m1", text="[red]milk[/red] \x1b[2J")
    _print_tree([step_of(1, said, asked)])
    first, second, third = (line.rstrip() for line in capsys.readouterr().out.splitlines())
    assert first.endswith("user: [red]milk[/red] \\x1b[2J")
    assert second.startswith("└── ")
    assert second.endswith("run r1 requested (message)")
    assert third.startswith("    └── ")
    assert third.endswith("run cancelled (erased)")
