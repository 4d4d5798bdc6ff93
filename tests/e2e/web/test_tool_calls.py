"""What the site shows of tool calls: in the message flow, in its header, and before they happen."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.page.steps import badge, replies, send
from tests.e2e.web.holding import held_tasks
from tests.e2e.web.site import Site
from tests.e2e.web.steps import CHAT, header_badge, open_chat

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(600)]


def card(page: Page) -> Locator:
    return page.locator(".widget-card")


def ask_to_delete(page: Page, title: str) -> None:
    send(page, f"add {title}")
    expect(replies(page).last).to_contain_text(title)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    send(page, f"delete {title}")
    expect(card(page)).to_contain_text(title)


def test_success_and_failure_stand_in_the_flow_and_in_the_header(ada: Page) -> None:
    open_chat(ada)
    send(ada, "add buy stamps")
    expect(badge(ada).filter(has_text="add_task").locator(".check")).to_be_visible()
    expect(header_badge(ada, "success")).to_contain_text("add_task: succeeded")
    expect(replies(ada).last).to_contain_text("stamps")
    expect(ada.get_by_role("button", name="Stop")).to_have_count(0)
    send(ada, "finish a task that is not there")
    expect(badge(ada).filter(has_text="complete_task").locator(".cross")).to_be_visible()
    expect(header_badge(ada, "failure")).to_contain_text("complete_task: failed")
    expect(header_badge(ada, "success")).to_have_count(1)
    expect(replies(ada).last).to_contain_text("could not be finished")
    ada.reload()
    expect(badge(ada).filter(has_text="complete_task").locator(".cross")).to_be_visible()
    expect(header_badge(ada, "running")).to_have_count(0)


def test_call_that_nobody_watches_is_not_shown_as_running(site: Site, ada: Page) -> None:
    open_chat(ada)
    with held_tasks(site):
        send(ada, "what is on my list?")
        expect(header_badge(ada, "running")).to_contain_text("list_tasks: running")
        expect(badge(ada).locator(".spinner")).to_be_visible()
        expect(ada).to_have_url(CHAT)
        ada.get_by_role("link", name="Tasks").click()
        expect(ada.get_by_role("heading", name="Your tasks")).to_be_visible()
        expect(header_badge(ada, "running")).to_have_count(0)
        ada.get_by_role("link", name="Chat").click()
        expect(header_badge(ada, "running")).to_be_visible()
        ada.reload()
        expect(header_badge(ada, "running")).to_be_visible()
    expect(header_badge(ada, "success")).to_contain_text("list_tasks: succeeded")
    expect(header_badge(ada, "running")).to_have_count(0)
    expect(badge(ada).filter(has_text="list_tasks").locator(".check")).to_be_visible()


def test_deletion_waits_for_approval(ada: Page) -> None:
    open_chat(ada)
    ask_to_delete(ada, "water the cactus")
    ada.reload()
    expect(card(ada)).to_contain_text("water the cactus")
    ada.get_by_role("button", name="Approve").click()
    expect(badge(ada).filter(has_text="delete_task").locator(".check")).to_be_visible()
    expect(header_badge(ada, "success").last).to_contain_text("delete_task")
    expect(card(ada)).to_have_count(0)
    expect(replies(ada).last).to_contain_text("Deleted")
    ada.get_by_role("link", name="Tasks").click()
    expect(ada.get_by_role("status").filter(has_text=re.compile("open|clear"))).to_be_visible()
    expect(ada.get_by_role("listitem").filter(has_text="water the cactus")).to_have_count(0)


def test_denied_deletion_leaves_the_task(ada: Page) -> None:
    open_chat(ada)
    ask_to_delete(ada, "feed the cat")
    ada.get_by_role("button", name="Deny").focus()
    ada.keyboard.press("Enter")
    expect(header_badge(ada, "denied")).to_contain_text("delete_task: not approved")
    expect(badge(ada).filter(has_text="delete_task").locator(".cross")).to_be_visible()
    expect(card(ada)).to_have_count(0)
    expect(replies(ada).last).to_contain_text("did not approve")
    ada.get_by_role("link", name="Tasks").click()
    expect(ada.get_by_role("listitem").filter(has_text="feed the cat")).to_be_visible()
