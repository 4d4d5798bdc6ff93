"""From sign-up to a finished task, and what the site keeps from whom, in a real browser."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.page.steps import badge, replies, send
from tests.e2e.web.site import Site
from tests.e2e.web.steps import CHAT, open_chat, picture, signed_up

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(600)]

REFUSED = re.compile("not allowed|not yours|somebody else|another user", re.I)


def test_newcomer_comes_from_sign_up_to_a_finished_task(site: Site, browser: Browser) -> None:
    ada = signed_up(site, browser, "Ada")
    expect(ada.get_by_text("Nothing to do yet.")).to_be_visible()
    open_chat(ada)
    send(ada, "add buy milk")
    expect(badge(ada).filter(has_text="add_task").locator(".check")).to_be_visible()
    expect(replies(ada).last).to_contain_text("buy milk")
    expect(ada).to_have_url(CHAT)
    picture(ada, "chat")
    ada.reload()
    expect(replies(ada).last).to_contain_text("buy milk")
    send(ada, "mark buy milk as done")
    expect(badge(ada).filter(has_text="complete_task").locator(".check")).to_be_visible()
    ada.get_by_role("link", name="Tasks").click()
    expect(ada.get_by_role("status").filter(has_text="0 open, 1 done.")).to_be_visible()
    picture(ada, "tasks")
    ada.get_by_role("button", name="Sign out").click()
    expect(ada.get_by_role("heading", name="Welcome back")).to_be_visible()
    ada.goto(f"{site.url}/dashboard/chat")
    expect(ada).to_have_url(re.compile("/sign-in"))
    ada.context.close()


def test_list_changes_while_the_agent_works_elsewhere(site: Site, ada: Page) -> None:
    other = ada.context.new_page()
    other.goto(f"{site.url}/dashboard/chat")
    send(other, "add water the plants")
    expect(ada.get_by_role("listitem").filter(has_text="water the plants")).to_be_visible()


def test_theme_reaches_the_chat(ada: Page) -> None:
    open_chat(ada)
    ada.get_by_role("button", name="Theme").click()
    expect(ada.locator("html")).to_have_attribute("data-theme", "light")
    ada.get_by_role("button", name="Theme").click()
    expect(ada.locator("html")).to_have_attribute("data-theme", "dark")
    scheme = "document.querySelector('openai-chatkit').shadowRoot.firstElementChild"
    assert ada.evaluate(f"getComputedStyle({scheme}).colorScheme") == "dark"
    picture(ada, "dark")


def test_conversation_of_somebody_else_is_refused_in_words(ada: Page, eve: Page) -> None:
    open_chat(ada)
    send(ada, "add buy milk")
    expect(ada).to_have_url(CHAT)
    answers: list[int] = []
    eve.on("response", lambda r: answers.append(r.status) if "/api/chatkit" in r.url else None)
    eve.goto(ada.url)
    expect(eve.get_by_text(REFUSED).first).to_be_visible()
    assert 403 in answers


@pytest.mark.parametrize("path", ["/api/chatkit", "/api/tasks", "/api/tasks/stream"])
def test_stranger_gets_nothing_from_the_api(site: Site, path: str) -> None:
    assert httpx.get(f"{site.url}{path}").status_code == 401


@pytest.mark.parametrize("origin", [None, "https://evil.example"])
def test_request_of_another_page_is_refused(site: Site, ada: Page, origin: str | None) -> None:
    cookies = {c["name"]: c["value"] for c in ada.context.cookies()}
    headers = {"Origin": origin} if origin else {}
    body = {"type": "threads.list", "params": {}}
    url = f"{site.url}/api/chatkit"
    assert httpx.post(url, json=body, cookies=cookies, headers=headers).status_code == 403
    assert (
        httpx.post(url, json=body, cookies=cookies, headers={"Origin": site.url}).status_code == 200
    )


def test_no_header_tells_where_the_api_is(site: Site, ada: Page) -> None:
    cookies = {c["name"]: c["value"] for c in ada.context.cookies()}
    for path in ("/", "/sign-in", "/chatkit.js", "/api/tasks", "/api/tasks/none", "/dashboard"):
        answer = httpx.get(f"{site.url}{path}", cookies=cookies)
        assert str(site.api_port) not in str(answer.headers), path


def test_pages_allow_no_inline_script_and_cookies_are_out_of_its_reach(
    site: Site, ada: Page
) -> None:
    policy = httpx.get(f"{site.url}/sign-in").headers["content-security-policy"]
    script = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "unsafe" not in policy
    assert re.fullmatch(r"script-src 'self' 'nonce-[\w+/=]+'", script)
    for cookie in ada.context.cookies():
        assert cookie["httpOnly"], cookie["name"]
        assert cookie["sameSite"] in ("Lax", "Strict")
    assert ada.evaluate("document.cookie") == ""
