"""A reply belongs to the server: what happens to the tab that asked for it does not touch it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.page.steps import composer, replies, send, thinking
from tests.e2e.web.conftest import OpenPage
from tests.e2e.web.model import COUNTING
from tests.e2e.web.people import Person
from tests.e2e.web.steps import CHAT, open_chat
from tests.wire import ResponsesServer

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(600)]

#: Of the words, in the middle of the eighth.
HELD_BEFORE = 8
LAST_SHOWN = "word6"
FIRST_MISSING = "word9"
PATIENCE_SECONDS = 30.0

Hold = Callable[[str], str]


@pytest.fixture
def hold(wire: ResponsesServer) -> Iterator[Hold]:
    """A message whose reply stops in its midst until the gate is released."""

    def hold(name: str) -> str:
        text = f"count to {name}"
        wire.gate.hold(before_chunk=HELD_BEFORE, user=text)
        return text

    yield hold
    wire.gate.release()


def begin(page: Page, text: str) -> None:
    open_chat(page)
    send(page, text)
    expect(replies(page).last).to_contain_text(LAST_SHOWN)
    expect(page).to_have_url(CHAT)


def test_refresh_in_mid_reply_continues_it(ada: Page, wire: ResponsesServer, hold: Hold) -> None:
    begin(ada, hold("refresh"))
    asked = len(wire.requests)
    ada.reload()
    expect(replies(ada)).to_contain_text(LAST_SHOWN)
    expect(replies(ada)).not_to_contain_text(FIRST_MISSING)
    wire.gate.release()
    expect(replies(ada)).to_have_text(COUNTING)
    expect(replies(ada)).to_have_count(1)
    expect(stop_button(ada)).to_have_count(0)
    assert len(wire.requests) == asked


def test_second_tab_and_second_browser_are_live(
    ada: Page, browser_of: OpenPage, ada_person: Person, wire: ResponsesServer, hold: Hold
) -> None:
    begin(ada, hold("tabs"))
    others = [ada.context.new_page(), browser_of(ada_person)]
    for other in others:
        other.goto(ada.url)
        expect(replies(other)).to_contain_text(LAST_SHOWN)
        expect(stop_button(other)).to_be_visible()
    wire.gate.release()
    for tab in (ada, *others):
        expect(replies(tab)).to_have_text(COUNTING)
        expect(stop_button(tab)).to_have_count(0)


def test_going_to_another_page_and_back_continues_it(
    ada: Page, wire: ResponsesServer, hold: Hold
) -> None:
    begin(ada, hold("elsewhere"))
    ada.get_by_role("link", name="Tasks").click()
    expect(ada.get_by_role("heading", name="Your tasks")).to_be_visible()
    ada.go_back()
    expect(replies(ada)).to_contain_text(LAST_SHOWN)
    wire.gate.release()
    expect(replies(ada)).to_have_text(COUNTING)


def test_stop_stops_and_keeps_what_was_said(ada: Page, wire: ResponsesServer, hold: Hold) -> None:
    begin(ada, hold("stop"))
    before = wire.abandoned
    stop_button(ada).click()
    expect(ada.get_by_text("You stopped this reply.")).to_be_visible()
    expect(thinking(ada)).to_have_count(0)
    expect(composer(ada)).to_be_editable()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while wire.abandoned == before and time.monotonic() < deadline:
        ada.wait_for_timeout(50)
    assert wire.abandoned == before + 1
    wire.gate.release()
    ada.reload()
    expect(replies(ada)).to_contain_text(LAST_SHOWN)
    expect(stop_button(ada)).to_have_count(0)
    expect(replies(ada)).not_to_contain_text(FIRST_MISSING)


def stop_button(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile("stop", re.I))
