from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from .backend import Backend
from .conftest import OpenPage
from .steps import composer, conversation_id, replies, send


def rows(page: Page) -> Locator:
    return page.locator(".row")


def test_new_conversation_appears_in_the_list_and_in_the_address(page: Page) -> None:
    expect(page.get_by_text("No conversations yet.")).to_be_visible()
    send(page, "hello")
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_text("No conversations yet.")).to_have_count(0)
    expect(page.locator(".row-link[aria-current=page] .row-title")).to_have_text("hello")
    expect(page).to_have_title("hello · Verbatim")
    thread_id = conversation_id(page)
    send(page, "again")
    expect(replies(page)).to_have_count(2)
    assert conversation_id(page) == thread_id


def test_switching_and_going_back_show_the_right_messages(
    open_page: OpenPage, backend: Backend
) -> None:
    backend.make_thread("Groceries", "milk?", "Yes, milk.")
    backend.make_thread("Travel", "train?", "At nine.")
    page = open_page()
    page.get_by_role("link", name="Groceries").click()
    expect(replies(page)).to_have_text("Yes, milk.")
    page.get_by_role("link", name="Travel").click()
    expect(replies(page)).to_have_text("At nine.")
    page.go_back()
    expect(replies(page)).to_have_text("Yes, milk.")
    expect(page.locator(".row-link[aria-current=page]")).to_contain_text("Groceries")
    page.get_by_role("button", name="New conversation").click()
    expect(page.get_by_role("heading", name="What shall we get done?")).to_be_visible()
    expect(composer(page)).to_be_focused()


def test_reply_goes_on_while_another_conversation_is_read(
    open_page: OpenPage, backend: Backend
) -> None:
    backend.make_thread("Travel", "train?", "At nine.")
    backend.hold("middle")
    page = open_page()
    send(page, "count")
    expect(replies(page)).to_contain_text("n20")
    page.get_by_role("link", name="Travel").click()
    expect(replies(page)).to_have_text("At nine.")
    backend.release("middle")
    page.get_by_role("link", name="count").click()
    expect(replies(page)).to_contain_text("n40")
    expect(page.locator(".assistant")).to_have_count(1)


def test_rename_in_place(open_page: OpenPage, backend: Backend) -> None:
    thread = backend.make_thread("Groceries", "milk?", "Yes.")
    page = open_page()
    rows(page).hover()
    page.get_by_role("button", name="Rename “Groceries”").click()
    title = page.get_by_role("textbox", name="Title")
    title.fill("Shopping")
    title.press("Escape")
    expect(page.locator(".row-title")).to_have_text("Groceries")
    page.get_by_role("button", name="Rename “Groceries”").click()
    title.fill("Shopping")
    title.press("Enter")
    expect(page.locator(".row-title")).to_have_text("Shopping")
    expect(page.get_by_role("button", name="Rename “Shopping”")).to_be_focused()
    assert thread.title == "Shopping"


def test_delete_asks_first(open_page: OpenPage, backend: Backend) -> None:
    thread = backend.make_thread("Groceries", "milk?", "Yes.")
    page = open_page(f"/?c={thread.id}")
    expect(replies(page)).to_have_text("Yes.")
    rows(page).hover()
    page.get_by_role("button", name="Delete “Groceries”").click()
    dialog = page.get_by_role("dialog", name="Delete this conversation?")
    expect(dialog).to_contain_text("Groceries")
    dialog.get_by_role("button", name="Cancel").click()
    expect(rows(page)).to_have_count(1)
    rows(page).hover()
    page.get_by_role("button", name="Delete “Groceries”").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(rows(page)).to_have_count(0)
    expect(page.get_by_role("heading", name="What shall we get done?")).to_be_visible()
    assert backend.threads == {}


def test_long_list_is_loaded_page_by_page(open_page: OpenPage, backend: Backend) -> None:
    for number in range(75):
        backend.make_thread(f"Conversation {number}", "hi", "Hello.")
    page = open_page()
    expect(rows(page)).to_have_count(30)
    for expected in (60, 75):
        page.locator("#list").evaluate("list => list.scrollTo(0, list.scrollHeight)")
        expect(rows(page)).to_have_count(expected)
    titles = page.locator(".row-title").all_text_contents()
    assert titles == [f"Conversation {number}" for number in reversed(range(75))]


def test_long_conversation_is_loaded_upwards(open_page: OpenPage, backend: Backend) -> None:
    thread = backend.make_thread("Long", *(f"message {number}" for number in range(100)))
    page = open_page(f"/?c={thread.id}")
    messages = page.locator(".message")
    expect(messages.last).to_have_text("Assistant said" + "message 99")
    expect(messages.last).to_be_in_viewport()
    expect(messages).to_have_count(30)
    scroller = page.get_by_role("region", name="Conversation", exact=True)
    for _ in range(12):
        scroller.evaluate("element => element.scrollTo(0, 0)")
        if messages.count() == 100:
            break
        page.wait_for_timeout(50)
    expect(messages).to_have_count(100)
    texts = page.locator(".message .bubble, .message .markdown").all_text_contents()
    assert texts == [f"message {number}" for number in range(100)]


def test_earlier_messages_do_not_move_what_is_read(open_page: OpenPage, backend: Backend) -> None:
    thread = backend.make_thread("Long", *(f"message {number}" for number in range(60)))
    page = open_page(f"/?c={thread.id}")
    expect(page.locator(".message")).to_have_count(30)
    watched = page.get_by_text("message 36", exact=True)
    watched.evaluate("element => element.scrollIntoView({ block: 'start' })")
    before = watched.bounding_box()
    expect(page.locator(".message")).to_have_count(60)
    after = watched.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 2


def test_unknown_conversation_is_told(page: Page) -> None:
    page.goto(f"{page.url}?c=none")
    expect(page.get_by_role("alert")).to_contain_text("There is no such conversation.")


def test_page_without_session_says_how_to_sign_in(open_page: OpenPage, backend: Backend) -> None:
    backend.is_signed_in = False
    page = open_page()
    expect(page.get_by_text("open the sign-in link")).to_be_visible()
    expect(page.get_by_text("verbatim serve")).to_be_visible()
    backend.is_signed_in = True
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="What shall we get done?")).to_be_visible()


def test_page_says_which_assistant_answers(open_page: OpenPage, backend: Backend) -> None:
    expect(open_page().get_by_role("note")).to_have_text(
        "Built-in assistant: rule-based, not a language model. Set OPENAI_API_KEY to use a model."
    )
    backend.assistant = {"kind": "openai", "model": "gpt-5"}
    page = open_page()
    expect(page.get_by_text("gpt-5")).to_be_visible()
    expect(page.get_by_role("note")).to_have_count(0)
    expect(page.get_by_text("local mode")).to_be_visible()


def test_conversation_that_may_be_out_of_date_says_so(
    open_page: OpenPage, backend: Backend
) -> None:
    backend.make_thread("Groceries", "milk?", "Yes, milk.").is_stale = True
    backend.make_thread("Travel", "train?", "At nine.")
    page = open_page()
    expect(rows(page).filter(has_text="Groceries")).to_contain_text("out of date")
    expect(rows(page).filter(has_text="Travel")).not_to_contain_text("out of date")
    page.get_by_role("link", name="Groceries").click()
    note = page.get_by_role("note").filter(has_text="may be out of date")
    expect(note).to_contain_text("This conversation may be out of date")
    expect(replies(page)).to_have_text("Yes, milk.")
    page.get_by_role("link", name="Travel").click()
    expect(replies(page)).to_have_text("At nine.")
    expect(note).to_have_count(0)
