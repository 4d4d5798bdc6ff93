from __future__ import annotations

from commands.link import LINK, CloseLink, LinkCommand, LinkState, OpenLink
from events import link
from events.event import Event

OPENED = link.Opened(provider="openai", foreign_id="conv_1")
CLOSED = link.Closed(foreign_id="conv_1", reason="cleared")


def decide(command: LinkCommand, *history: Event) -> list[Event]:
    return LINK.decide(command, LINK.fold(LinkState(), history))


def test_conversation_has_one_counterpart_at_a_time() -> None:
    assert decide(OpenLink(foreign_id="conv_1")) == [OPENED]
    assert decide(OpenLink(foreign_id="conv_2"), OPENED) == []
    assert len(decide(OpenLink(foreign_id="conv_2"), OPENED, CLOSED)) == 1


def test_only_the_counterpart_that_is_linked_is_closed() -> None:
    close = CloseLink(foreign_id="conv_1", reason="cleared")
    assert decide(close, OPENED) == [CLOSED]
    assert decide(close) == []
    assert decide(close, OPENED, CLOSED) == []
    reopened = link.Opened(provider="openai", foreign_id="conv_2")
    assert decide(close, OPENED, CLOSED, reopened) == []
