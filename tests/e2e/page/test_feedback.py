from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from .backend import Backend, Refusal
from .conftest import OpenPage
from .steps import replies


def thumb(page: Page, kind: str) -> Locator:
    return page.get_by_role("button", name=f"{kind} reply")


def rated(open_page: OpenPage, backend: Backend) -> Page:
    backend.make_thread("Groceries", "milk?", "Yes, milk.")
    page = open_page()
    page.get_by_role("link", name="Groceries").click()
    expect(replies(page)).to_have_text("Yes, milk.")
    replies(page).hover()
    return page


def test_reply_is_rated_and_the_rating_is_there_after_a_reload(
    open_page: OpenPage, backend: Backend
) -> None:
    page = rated(open_page, backend)
    thumb(page, "Good").click()
    expect(thumb(page, "Good")).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(thumb(page, "Good")).to_have_attribute("aria-pressed", "true")
    thumb(page, "Bad").click()
    expect(thumb(page, "Bad")).to_have_attribute("aria-pressed", "true")
    expect(thumb(page, "Good")).to_have_attribute("aria-pressed", "false")
    page.reload()
    expect(thumb(page, "Bad")).to_have_attribute("aria-pressed", "true")
    kinds = [sent.params["kind"] for sent in backend.sent("items.feedback")]
    assert kinds == ["positive", "negative"]


def test_rating_is_taken_back_by_pressing_it_again(open_page: OpenPage, backend: Backend) -> None:
    page = rated(open_page, backend)
    thumb(page, "Bad").click()
    expect(thumb(page, "Bad")).to_have_attribute("aria-pressed", "true")
    thumb(page, "Bad").click()
    expect(thumb(page, "Bad")).to_have_attribute("aria-pressed", "false")
    page.reload()
    expect(thumb(page, "Bad")).to_have_attribute("aria-pressed", "false")
    sent = backend.sent("items.feedback")
    assert [one.metadata for one in sent] == [{}, {"undo": True}]


def test_rating_that_was_refused_is_not_shown(open_page: OpenPage, backend: Backend) -> None:
    page = rated(open_page, backend)
    backend.refusals.append(Refusal(503, "The database is away."))
    thumb(page, "Good").click()
    expect(page.get_by_text("The database is away.")).to_be_visible()
    expect(thumb(page, "Good")).to_have_attribute("aria-pressed", "false")
