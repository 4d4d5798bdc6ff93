"""Each event and method of `@openai/chatkit-react`, unmodified, on our element, site and API."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.page.steps import badge, composer, replies
from tests.e2e.web.belongings import message
from tests.e2e.web.model import COUNTING
from tests.e2e.web.people import Person
from tests.e2e.web.site import Site
from tests.e2e.web.wrapping import handler_names, method_names, open_wrapper

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(600)]

PATIENCE_MILLISECONDS = 30_000
POLL_MILLISECONDS = 50
EVENTS, METHODS = 13, 8


def test_every_event_and_method_of_the_wrapper_works(
    ada: Page, site: Site, ada_person: Person
) -> None:
    """Those that the installed wrapper names: one more than are exercised here is a failure."""
    open_wrapper(ada, site)
    wait_for(ada, "onReady")
    compose(ada)
    thread_id = say(ada)
    act(ada, site, ada_person, thread_id)
    follow_a_link(ada)
    look_at_history(ada)
    change_threads(ada, thread_id)
    fetch(ada, site, ada_person, thread_id)
    fail(ada)
    assert len(handler_names()) == EVENTS
    assert len(method_names()) == METHODS
    assert {name for name, _ in ada.evaluate("heard")} == set(handler_names().values())
    assert set(ada.evaluate("called")) == set(method_names())


def compose(page: Page) -> None:
    call(page, "focusComposer")
    expect(composer(page)).to_be_focused()
    call(page, "setComposerValue", {"text": "draft", "selectedToolId": "list_tasks"})
    expect(composer(page)).to_have_value("draft")
    assert wait_for(page, "onToolChange") == {"toolId": "list_tasks"}
    call(page, "setComposerValue", {"text": "", "selectedToolId": None})


def say(page: Page) -> str:
    call(page, "sendUserMessage", {"text": "add mend the kite"})
    wait_for(page, "onResponseStart")
    thread_id: str = wait_for(page, "onThreadChange")["threadId"]
    wait_for(page, "onResponseEnd")
    expect(replies(page).last).to_contain_text("mend the kite")
    effect = wait_for(page, "onEffect")
    assert effect["name"] == "tool_call"
    assert effect["data"]["status"] == "success"
    assert wait_for(page, "onLog")["name"]
    return thread_id


def act(page: Page, site: Site, person: Person, thread_id: str) -> None:
    """Approves of a deletion, as the button in the chat does."""
    call(page, "sendUserMessage", {"text": "delete mend the kite"})
    expect(page.get_by_role("button", name="Approve")).to_be_enabled()
    listed = {"type": "items.list", "params": {"thread_id": thread_id, "order": "desc"}}
    with person.client(site) as client:
        items = client.post("/api/chatkit", json=listed).raise_for_status().json()["data"]
    card = next(item for item in items if item["type"] == "widget")
    action = card["widget"]["confirm"]["action"]
    sent = {"type": action["type"], "payload": action.get("payload")}
    call(page, "sendCustomAction", sent, card["id"])
    expect(badge(page).filter(has_text="delete_task").locator(".check")).to_be_visible()
    expect(replies(page).last).to_contain_text("Deleted")


def follow_a_link(page: Page) -> None:
    wait_until_idle(page)
    call(page, "sendUserMessage", {"text": "link to the list"})
    page.get_by_role("link", name="the list").click()
    assert wait_for(page, "onDeeplink") == {"name": "list", "data": {"of": "tasks"}}


def look_at_history(page: Page) -> None:
    wait_until_idle(page)
    call(page, "showHistory")
    wait_for(page, "onHistoryOpen")
    call(page, "hideHistory")
    wait_for(page, "onHistoryClose")


def change_threads(page: Page, thread_id: str) -> None:
    call(page, "setThreadId", None)
    expect(replies(page)).to_have_count(0)
    assert wait_for(page, "onThreadChange") == {"threadId": None}
    call(page, "setThreadId", thread_id)
    assert wait_for(page, "onThreadLoadStart") == {"threadId": thread_id}
    assert wait_for(page, "onThreadLoadEnd") == {"threadId": thread_id}
    expect(replies(page).last).to_contain_text("the list")


def fetch(page: Page, site: Site, person: Person, thread_id: str) -> None:
    """What was said elsewhere meanwhile."""
    with person.client(site) as client:
        said = message("count to fetch", thread_id=thread_id)
        client.post("/api/chatkit", json=said).raise_for_status()
    call(page, "fetchUpdates")
    expect(replies(page).last).to_have_text(COUNTING)


def fail(page: Page) -> None:
    page.evaluate("call('setThreadId', '01a1f89a-a084-74e5-aa55-4c307a5ced8b')")
    assert wait_for(page, "onError")["message"]


def call(page: Page, name: str, *values: Any) -> None:
    page.evaluate("([name, values]) => call(name, ...values)", [name, list(values)])


def wait_until_idle(page: Page) -> None:
    expect(page.get_by_role("button", name="Send")).to_be_visible()


def wait_for(page: Page, handler: str) -> Any:
    """The newest that this handler was told."""
    for _ in range(PATIENCE_MILLISECONDS // POLL_MILLISECONDS):
        told = page.evaluate("(wanted) => heard.filter(([name]) => name === wanted)", handler)
        if told:
            return told[-1][1]
        page.wait_for_timeout(POLL_MILLISECONDS)
    raise AssertionError(f"{handler} was never called: {page.evaluate('heard')}")
