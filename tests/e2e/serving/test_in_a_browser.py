"""The whole thing as a person meets it: the real server, a real browser, the command line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.page.steps import badge, composer, conversation_id, replies, send, thinking
from tests.e2e.serving.server import Server, serving, verbatim
from tests.wire import Call, Calls, ErrorMidStream, ResponsesServer, Text, Turn

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]

PATIENCE_MILLISECONDS = 20_000
#: Where pictures are kept, when somebody wants to look at them.
PICTURES = os.environ.get("VERBATIM_PICTURES")


def open_page(browser: Browser, server: Server, **options: object) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 800}, **options).new_page()
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    page.goto(server.sign_in_url)
    page.wait_for_url(f"{server.url}/**")
    return page


@contextmanager
def wire_server(*turns: Turn) -> Iterator[ResponsesServer]:
    """A model host on this machine that plays the turns."""
    wire = ResponsesServer(list(turns))
    wire.start()
    try:
        yield wire
    finally:
        wire.stop()


def finish(page: Page) -> None:
    """Wait until the reply is complete."""
    expect(page.get_by_role("button", name=re.compile("stop", re.IGNORECASE))).to_have_count(0)


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.wait_for_timeout(500)  # colours and drawers move
        page.screenshot(path=f"{PICTURES}/{name}.png")


def test_task_is_added_and_survives_refresh_and_restart(browser: Browser, folder: Path) -> None:
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    data_dir = folder / "data"
    with serving(data_dir) as server:
        page = open_page(browser, server)
        expect(page.get_by_text("not a language model")).to_be_visible()
        expect(page.get_by_text("local mode", exact=False).first).to_be_visible()
        picture(page, "page-start")
        send(page, "add buy milk and call mum")
        expect(badge(page)).to_have_count(2)
        expect(badge(page).first).to_contain_text("succeeded")
        expect(replies(page).last).to_contain_text("milk")
        conversation = conversation_id(page)
        finish(page)
        send(page, "what's left?")
        expect(replies(page)).to_have_count(2)
        finish(page)
        expect(badge(page)).to_have_count(3)
        picture(page, "page-light")
        page.emulate_media(color_scheme="dark")
        picture(page, "page-dark")
        page.set_viewport_size({"width": 390, "height": 844})
        picture(page, "page-phone")
        page.set_viewport_size({"width": 1280, "height": 800})
        page.emulate_media(color_scheme="light")
        page.reload()
        expect(badge(page)).to_have_count(3)
        expect(replies(page)).to_have_count(2)
        foreign = verbatim(data_dir, "token", "--user", "eve").strip()
        user = httpx.get(f"{server.url}/api/session", cookies=_cookies(page)).json()["user_id"]
        answer = httpx.get(
            f"{server.url}/api/{user}/conversations/{conversation}",
            headers={"Authorization": f"Bearer {foreign}"},
        )
        assert answer.status_code == 403
        cookies = page.context.cookies()
    with serving(data_dir) as server:
        page = browser.new_context().new_page()
        page.context.add_cookies(
            [{"name": c["name"], "value": c["value"], "url": server.url} for c in cookies]
        )
        page.goto(f"{server.url}/?c={conversation}")
        expect(badge(page)).to_have_count(3)
        expect(replies(page)).to_have_count(2)
    replayed = verbatim(data_dir, "events", "replay", conversation)
    assert "tool add_task called" in replayed
    assert "tool succeeded" in replayed


def test_deletion_waits_for_the_user_through_reload_and_restart(
    browser: Browser, folder: Path
) -> None:
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    data_dir = folder / "data"
    with serving(data_dir) as server:
        page = open_page(browser, server)
        for text in ("add buy milk", "delete milk"):
            send(page, text)
            conversation_id(page)
            finish(page)
        expect(card(page)).to_contain_text("Waiting for approval")
        expect(card(page)).to_contain_text("buy milk")
        picture(page, "page-approval")
        page.reload()
        expect(card(page)).to_contain_text("buy milk")
        conversation, cookies = conversation_id(page), page.context.cookies()
    with serving(data_dir) as server:
        context = browser.new_context()
        context.add_cookies(
            [{"name": c["name"], "value": c["value"], "url": server.url} for c in cookies]
        )
        page, other = context.new_page(), context.new_page()
        for tab in (page, other):
            tab.goto(f"{server.url}/?c={conversation}")
            expect(card(tab)).to_contain_text("buy milk")
            keep_stale(tab)
        page.get_by_role("button", name="Deny").press("Enter")
        expect(card(page)).to_have_count(0)
        expect(badge(page).last).to_contain_text("failed")
        expect(replies(page).last).to_contain_text("did not approve")
        other.get_by_role("button", name="Approve").click()
        expect(other.get_by_text("was denied before")).to_be_visible()
        expect(card(other)).to_have_count(0)
        finish(page)
        send(page, "delete milk")
        page.get_by_role("button", name="Approve").click()
        expect(badge(page).last).to_contain_text("succeeded")
        expect(replies(page).last).to_contain_text("Deleted")
        page.reload()
        expect(badge(page).last).to_contain_text("succeeded")
        expect(card(page)).to_have_count(0)


def card(page: Page) -> Locator:
    return page.locator(".widget-card")


def keep_stale(page: Page) -> None:
    """However long ago it was loaded, the page does not load again because it is looked at."""
    page.evaluate("import('/chatkit.js').then(({ timings }) => { timings.refreshOnFocus = 3600 })")


def test_refresh_in_mid_reply_continues_the_reply(browser: Browser, folder: Path) -> None:
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    words = " ".join(f"word{n}" for n in range(60))
    with wire_server(Text(words, chunk=8)) as wire:
        env = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": wire.base_url, "AGENT_MODEL": "wire"}
        with serving(folder / "data", env=env) as server:
            page = open_page(browser, server)
            wire.gate.hold(before_chunk=0)
            send(page, "count")
            expect(thinking(page)).to_be_visible()
            wire.gate.hold(before_chunk=10)
            expect(replies(page).last).to_contain_text("word3")
            page.reload()
            expect(replies(page).last).to_contain_text("word3")
            wire.gate.release()
            expect(replies(page).last).to_contain_text("word59")
            shown = replies(page).last.inner_text()
            assert shown == words


def test_stop_keeps_what_was_written(browser: Browser, folder: Path) -> None:
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    words = " ".join(f"word{n}" for n in range(400))
    with wire_server(Text(words, chunk=8, gap_seconds=0.1)) as wire:
        env = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": wire.base_url, "AGENT_MODEL": "wire"}
        with serving(folder / "data", env=env) as server:
            page = open_page(browser, server)
            send(page, "count")
            expect(replies(page).last).to_contain_text("word3")
            page.get_by_role("button", name=re.compile("stop", re.IGNORECASE)).click()
            expect(composer(page)).to_be_editable()
            expect(thinking(page)).to_have_count(0)
            page.reload()
            expect(replies(page).last).to_contain_text("word3")
            assert "word399" not in replies(page).last.inner_text()


def test_failing_model_says_so_and_retry_answers(browser: Browser, folder: Path) -> None:
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    script = [ErrorMidStream(after_chunks=2), Calls([Call("fly", {})]), Text("Here I am.")]
    with wire_server(*script) as wire:
        env = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": wire.base_url, "AGENT_MODEL": "wire"}
        with serving(folder / "data", env=env) as server:
            page = open_page(browser, server)
            send(page, "hello")
            page.get_by_role("button", name=re.compile("retry|try again", re.IGNORECASE)).click()
            expect(badge(page)).to_contain_text("failed")
            expect(replies(page).last).to_contain_text("Here I am.")
            expect(replies(page)).to_have_count(1)
            picture(page, "page-failure")


def _cookies(page: Page) -> dict[str, str]:
    return {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
