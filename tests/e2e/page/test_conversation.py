from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from .backend import Backend, Refusal
from .replies import COUNT_TO
from .steps import badge, composer, replies, send, thinking


def test_message_shows_thinking_then_badge_then_reply(page: Page, backend: Backend) -> None:
    backend.hold("thinking", "tool")
    send(page, "add Buy milk")

    expect(page.locator(".user .bubble")).to_have_text("add Buy milk")
    expect(thinking(page)).to_be_visible()
    backend.release("thinking")
    expect(badge(page)).to_have_text("add_task: running")
    expect(page.locator(".badge .spinner")).to_be_visible()
    expect(thinking(page)).to_be_hidden()
    backend.release("tool")
    expect(badge(page)).to_have_text("add_task: succeeded")
    expect(replies(page)).to_have_text("Done: Buy milk is on your list now.")
    expect(page.locator(".assistant strong")).to_have_text("Buy milk")
    expect(thinking(page)).to_be_hidden()


def test_badge_opens_with_what_the_tool_said(page: Page) -> None:
    send(page, "add Buy milk")
    expect(badge(page)).to_have_text("add_task: succeeded")
    expect(page.locator(".detail")).to_be_hidden()
    badge(page).click()
    expect(page.locator(".detail")).to_have_text("“Buy milk” was added")


def test_failed_tool_shows_a_red_badge_with_its_reason(page: Page) -> None:
    send(page, "break it")
    expect(badge(page)).to_have_text("complete_task: failed")
    expect(page.locator(".badge.failure .cross")).to_be_visible()
    expect(page.locator(".detail")).to_have_text("There is no task with this title")
    expect(replies(page)).to_have_text("I could not find that task.")


def test_stop_keeps_what_was_said(page: Page, backend: Backend) -> None:
    backend.hold("middle")
    send(page, "count")
    expect(replies(page)).to_contain_text(f"n{COUNT_TO // 2}")
    page.get_by_role("button", name="Stop").click()

    expect(page.get_by_text("You stopped this reply.")).to_be_visible()
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    expect(replies(page)).to_contain_text(f"n{COUNT_TO // 2}")
    assert len(backend.sent("stop")) == 1


def test_stop_before_the_first_word_offers_a_retry(page: Page, backend: Backend) -> None:
    backend.hold("answer")
    send(page, "hello")
    expect(thinking(page)).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("You stopped this reply.")).to_be_visible()
    backend.release("answer")
    page.get_by_role("button", name="Retry").click()
    expect(replies(page)).to_have_text("You said: hello")
    assert len(backend.sent("threads.retry_after_item")) == 1


def test_error_of_the_reply_can_be_retried(page: Page, backend: Backend) -> None:
    send(page, "error please")
    expect(page.get_by_role("alert")).to_contain_text("The model is busy.")
    page.get_by_role("button", name="Retry").click()

    expect(replies(page)).to_have_text("You said: error please")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator(".user")).to_have_count(1)
    (retry,) = backend.sent("threads.retry_after_item")
    assert retry.params["item_id"].startswith("user_message")


def test_busy_server_says_when_and_the_same_message_is_sent_again(
    page: Page, backend: Backend
) -> None:
    backend.refusals = [Refusal(503, "Too many messages.", {"Retry-After": "12"})]
    send(page, "hello")
    expect(page.get_by_role("alert")).to_contain_text("Too many messages. Try again in 12 seconds.")
    page.get_by_role("button", name="Retry").click()

    expect(replies(page)).to_have_text("You said: hello")
    expect(page.locator(".user")).to_have_count(1)
    first, second = backend.sent("threads.create")
    assert first.idempotency_key == second.idempotency_key is not None


def test_refused_message_goes_back_into_the_composer(page: Page, backend: Backend) -> None:
    backend.refusals = [Refusal(422, "This message has a forbidden word.")]
    send(page, "hello there")
    expect(page.get_by_role("alert")).to_contain_text("This message has a forbidden word.")
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)
    expect(composer(page)).to_have_value("hello there")
    expect(page.locator(".user")).to_have_count(0)


def test_signed_out_chat_says_so(page: Page, backend: Backend) -> None:
    backend.refusals = [Refusal(401, "Token expired.")]
    send(page, "hello")
    expect(page.get_by_role("alert")).to_contain_text("You are signed out. Sign in again")
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)


def test_every_kind_of_event_is_shown_or_ignored(page: Page, backend: Backend) -> None:
    backend.hold("progress")
    page.evaluate("""
        window.effects = [];
        document.addEventListener('chatkit.effect', ({ detail }) => effects.push(detail));
    """)
    send(page, "everything")
    expect(page.locator(".status")).to_contain_text("Reading your list")
    backend.release("progress")

    expect(replies(page)).to_have_text("final words")
    expect(page.locator(".workflow summary").first).to_have_text("Worked for 2 seconds")
    expect(page.locator(".note.warning strong")).to_have_text("Almost")
    expect(page.locator(".status")).to_be_empty()
    expect(page.get_by_text("torn")).to_have_count(0)
    assert page.evaluate("effects") == [{"name": "confetti", "data": {"amount": 3}}]


def test_composer_counts_and_refuses_more_than_it_can_send(page: Page) -> None:
    button = page.get_by_role("button", name="Send")
    expect(button).to_be_disabled()
    composer(page).fill("   ")
    expect(button).to_be_disabled()
    composer(page).fill("x" * 32_000)
    expect(button).to_be_enabled()
    expect(page.get_by_text("32,000 / 32,000")).to_be_visible()
    composer(page).fill("x" * 32_001)
    expect(button).to_be_disabled()
    composer(page).press("Enter")
    expect(page.locator(".user")).to_have_count(0)


def test_shift_enter_makes_a_new_line(page: Page) -> None:
    composer(page).press_sequentially("one")
    composer(page).press("Shift+Enter")
    composer(page).press_sequentially("two")
    composer(page).press("Enter")
    expect(page.locator(".user .bubble")).to_have_text(re.compile("one\ntwo"))


def test_delta_changes_one_text_node(page: Page, backend: Backend) -> None:
    backend.hold("middle")
    send(page, "count")
    expect(replies(page)).to_contain_text(f"n{COUNT_TO // 2} ")
    page.evaluate("""
        window.changes = [];
        const { shadowRoot } = document.querySelector('openai-chatkit');
        const kinds = { childList: true, characterData: true, attributes: true };
        new MutationObserver((records) => changes.push(...records.map((record) => record.type)))
            .observe(shadowRoot.querySelector('.markdown'), { ...kinds, subtree: true });
    """)
    backend.release("middle")
    expect(replies(page)).to_contain_text(f"n{COUNT_TO}")
    changes = page.evaluate("changes")
    assert set(changes) == {"characterData"}
    assert 0 < len(changes) <= COUNT_TO // 2
