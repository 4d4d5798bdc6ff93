from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from .backend import Backend, Cut, Refusal
from .replies import COUNT_TO
from .steps import badge, conversation_id, hurry, replies, send, thinking

WHOLE_COUNT = " ".join(f"n{number}" for number in range(1, COUNT_TO + 1))


def test_refresh_in_mid_reply_goes_on(page: Page, backend: Backend) -> None:
    backend.hold("middle")
    send(page, "count")
    expect(replies(page)).to_contain_text(f"n{COUNT_TO // 2}")
    conversation_id(page)
    page.reload()

    expect(page.locator(".user .bubble")).to_have_text("count")
    expect(replies(page)).to_contain_text(f"n{COUNT_TO // 2}")
    expect(page.get_by_role("button", name="Stop")).to_be_enabled()
    backend.release("middle")
    expect(replies(page)).to_have_text(WHOLE_COUNT)
    expect(page.locator(".user")).to_have_count(1)
    expect(page.locator(".assistant")).to_have_count(1)


def test_refresh_while_a_tool_runs_shows_it_running(page: Page, backend: Backend) -> None:
    backend.hold("tool")
    send(page, "add Buy milk")
    expect(badge(page)).to_have_text("add_task: running")
    conversation_id(page)
    page.reload()
    expect(badge(page)).to_have_text("add_task: running")
    backend.release("tool")
    expect(badge(page)).to_have_text("add_task: succeeded")
    expect(replies(page)).to_have_count(1)


def test_refresh_after_the_reply_shows_everything(page: Page) -> None:
    send(page, "add Buy milk")
    expect(replies(page)).to_have_text("Done: Buy milk is on your list now.")
    conversation_id(page)
    page.reload()
    expect(page.locator(".user .bubble")).to_have_text("add Buy milk")
    expect(badge(page)).to_have_text("add_task: succeeded")
    expect(replies(page)).to_have_text("Done: Buy milk is on your list now.")


@pytest.mark.parametrize("how", ["abort", "end", "silence"])
def test_lost_connection_loses_and_doubles_nothing(page: Page, backend: Backend, how: Cut) -> None:
    hurry(page, also="timings.silence = 0.4" if how == "silence" else "")
    backend.cuts = [(10, how), (0, how), (7, how)]
    send(page, "count")

    expect(replies(page)).to_have_text(WHOLE_COUNT)
    expect(page.locator(".user")).to_have_count(1)
    expect(page.locator(".assistant")).to_have_count(1)
    expect(page.get_by_role("alert")).to_have_count(0)
    resumed = backend.sent("resume")
    sequences = [request.headers["last-event-id"].rpartition(":")[2] for request in resumed]
    assert sequences == ["10", "10", "17"]


def test_lost_connection_is_told_while_it_lasts(page: Page, backend: Backend) -> None:
    hurry(page, also="timings.firstRetry = timings.longestRetry = 1")
    backend.hold("middle")
    backend.cuts = [(8, "abort")]
    send(page, "count")
    expect(page.get_by_text("Connection lost. Reconnecting…")).to_be_visible()
    backend.release("middle")
    expect(replies(page)).to_have_text(WHOLE_COUNT)
    expect(page.get_by_text("Connection lost.")).to_have_count(0)


def test_frames_that_are_gone_are_read_from_the_history(page: Page, backend: Backend) -> None:
    hurry(page)
    backend.hold("middle")
    backend.cuts = [(6, "abort")]
    backend.resume_refusals = [Refusal(410, "The frames are gone.")]
    send(page, "count")
    expect(replies(page)).to_contain_text(f"n{COUNT_TO // 2}")
    backend.release("middle")
    expect(replies(page)).to_have_text(WHOLE_COUNT)
    expect(page.locator(".assistant")).to_have_count(1)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_restarting_server_is_waited_for(page: Page, backend: Backend) -> None:
    hurry(page)
    backend.cuts = [(6, "abort")]
    backend.resume_refusals = [Refusal(503, "Starting."), Refusal(502, "Starting.")]
    send(page, "count")
    expect(replies(page)).to_have_text(WHOLE_COUNT)
    assert len(backend.sent("resume")) == 3


def test_reconnect_goes_on_after_giving_up(page: Page, backend: Backend) -> None:
    hurry(page)
    backend.cuts = [(10, "abort")]
    backend.resume_refusals = [Refusal(503, "Starting.")] * 12
    send(page, "count")
    expect(page.get_by_role("alert")).to_contain_text("Starting.")
    page.get_by_role("button", name="Reconnect").click()
    expect(replies(page)).to_have_text(WHOLE_COUNT)
    assert backend.sent("resume")[-1].headers["last-event-id"].endswith(":10")


def test_message_lost_on_the_way_is_sent_again_under_its_key(page: Page, backend: Backend) -> None:
    hurry(page)
    losses = iter([True, True])

    def lose(route: Route) -> None:
        if next(losses, False):
            route.abort("connectionreset")
        else:
            route.fallback()

    page.route("**/chatkit", lose)
    send(page, "hello")
    expect(replies(page)).to_have_text("You said: hello")
    expect(page.locator(".user")).to_have_count(1)
    assert len(backend.sent("threads.create")) == 1


def test_stock_server_needs_no_run_and_no_end_mark(page: Page, backend: Backend) -> None:
    backend.is_stock = True
    send(page, "add Buy milk")
    expect(replies(page)).to_have_text("Done: Buy milk is on your list now.")
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    assert backend.sent("resume") == []


def test_unanswered_message_offers_a_reply(page: Page, backend: Backend) -> None:
    thread = backend.make_thread("Old", "hello")
    page.goto(f"{page.url}?c={thread.id}")
    expect(page.get_by_text("This message has no reply yet.")).to_be_visible()
    page.get_by_role("button", name="Retry").click()
    expect(replies(page)).to_have_text("You said: hello")


def test_tool_without_a_result_does_not_spin_for_ever(page: Page, backend: Backend) -> None:
    thread = backend.make_thread("Old", "hello")
    badge_item = thread.item("task", task={"type": "custom", "title": "add_task"})
    badge_item["task"]["status_indicator"] = "loading"
    thread.put(badge_item)
    page.goto(f"{page.url}?c={thread.id}")
    expect(badge(page)).to_have_text("add_task: no result")
    expect(thinking(page)).to_be_hidden()
