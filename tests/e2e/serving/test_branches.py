"""Answering again, editing and going from version to version, as a person meets it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.page.steps import conversation_id, replies, send
from tests.e2e.serving.server import serving, verbatim
from tests.e2e.serving.test_in_a_browser import (
    PATIENCE_MILLISECONDS,
    finish,
    open_page,
    picture,
    wire_server,
)
from tests.wire import ErrorMidStream, Text

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]


def test_reply_and_message_have_versions_that_a_refresh_keeps(
    browser: Browser, folder: Path
) -> None:
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    said = [Text("First reply."), Text("Second reply."), Text("Below the second.")]
    with wire_server(*said, Text("Reply to the edit."), Text("Goes on.")) as wire:
        env = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": wire.base_url, "AGENT_MODEL": "wire"}
        with serving(folder / "data", env=env) as server:
            page = open_page(browser, server)
            send(page, "the question")
            expect(replies(page)).to_contain_text("First reply.")
            finish(page)
            expect(versions(page)).to_have_count(0)

            replies(page).hover()
            page.get_by_role("button", name="Answer again").click()
            expect(replies(page)).to_contain_text("Second reply.")
            expect(versions(page)).to_have_text("2 / 2")
            send(page, "and then?")
            expect(replies(page)).to_have_count(2)
            finish(page)

            step(page, "Previous version").click()
            expect(replies(page)).to_have_count(1)
            expect(replies(page)).to_contain_text("First reply.")
            expect(versions(page)).to_have_text("1 / 2")
            page.reload()
            expect(replies(page)).to_contain_text("First reply.")
            expect(versions(page)).to_have_text("1 / 2")

            other = page.context.new_page()
            other.goto(page.url)
            expect(replies(other)).to_contain_text("First reply.")
            step(page, "Next version").press("Enter")
            expect(replies(page)).to_have_count(2)
            expect(replies(page).last).to_contain_text("Below the second.")
            expect(step(page, "Previous version")).to_be_focused()
            other.evaluate("document.querySelector('openai-chatkit').fetchUpdates()")
            expect(replies(other)).to_have_count(2)
            expect(versions(other)).to_have_text("2 / 2")

            edit(page, "the question", "another question")
            expect(replies(page)).to_have_count(1)
            expect(replies(page)).to_contain_text("Reply to the edit.")
            expect(page.get_by_text("the question", exact=True)).to_have_count(0)
            expect(versions(page)).to_have_text("2 / 2")
            picture(page, "branches-light")
            page.emulate_media(color_scheme="dark")
            picture(page, "branches-dark")
            page.emulate_media(color_scheme="light")
            page.reload()
            expect(page.get_by_text("another question", exact=True)).to_be_visible()
            expect(versions(page)).to_have_text("2 / 2")
            send(page, "on with it")
            expect(replies(page).last).to_contain_text("Goes on.")
            finish(page)
            conversation = conversation_id(page)
    replayed = verbatim(folder / "data", "events", "replay", conversation)
    for said_once in ("First reply.", "Second reply.", "Below the second.", "Reply to the edit."):
        assert said_once in replayed


def test_edit_is_cancelled_by_key_and_sends_by_key(browser: Browser, folder: Path) -> None:
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with wire_server(Text("One."), Text("Two.")) as wire:
        env = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": wire.base_url, "AGENT_MODEL": "wire"}
        with serving(folder / "data", env=env) as server:
            page = open_page(browser, server)
            send(page, "draft")
            expect(replies(page)).to_contain_text("One.")
            finish(page)
            pen = page.get_by_role("button", name="Edit message")
            pen.focus()
            pen.press("Enter")
            form = page.get_by_role("textbox", name="Edit message")
            expect(form).to_be_focused()
            expect(form).to_have_value("draft")
            form.fill("never sent")
            form.press("Escape")
            expect(form).to_have_count(0)
            expect(pen).to_be_focused()
            expect(page.locator(".bubble").get_by_text("draft", exact=True)).to_be_visible()
            pen.press("Enter")
            picture(page, "edit-light")
            page.emulate_media(color_scheme="dark")
            picture(page, "edit-dark")
            form.fill("  ")
            expect(page.get_by_role("button", name="Send", exact=True).first).to_be_disabled()
            form.fill("final")
            form.press("Enter")
            expect(replies(page)).to_contain_text("Two.")
            expect(page.get_by_text("final", exact=True)).to_be_visible()
            expect(versions(page)).to_have_text("2 / 2")


def test_reply_without_a_word_has_versions_too(browser: Browser, folder: Path) -> None:
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with wire_server(ErrorMidStream(after_chunks=0), Text("Better.")) as wire:
        env = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": wire.base_url, "AGENT_MODEL": "wire"}
        with serving(folder / "data", env=env) as server:
            page = open_page(browser, server)
            send(page, "hello")
            page.get_by_role("button", name="Retry").click()
            expect(replies(page)).to_contain_text("Better.")
            step(page, "Previous version").click()
            expect(replies(page)).to_have_count(0)
            expect(versions(page)).to_have_text("1 / 2")
            picture(page, "branches-failure")
            step(page, "Next version").click()
            expect(replies(page)).to_contain_text("Better.")
            expect(versions(page)).to_have_text("2 / 2")


def versions(page: Page) -> Locator:
    return page.get_by_role("group", name="Versions")


def step(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name)


def edit(page: Page, before: str, after: str) -> None:
    message = page.locator("article.user", has_text=before).first
    message.hover()
    message.get_by_role("button", name="Edit message").click()
    page.get_by_role("textbox", name="Edit message").fill(after)
    message.get_by_role("button", name="Send").click()
    expect(page.get_by_role("button", name=re.compile("cancel", re.IGNORECASE))).to_have_count(0)
