"""What each method and event of the published contract does, as far as no option has shown it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from .backend import Backend
from .mounted import heard, logged, mount, refusal, wait_for
from .steps import composer, replies, send

DEEPLINK = "See [the file](chatkit-link://source?id=s%201&page=2) and [all](chatkit-link://list)."


def test_composer_value_sets_only_what_is_given(bare: Page, backend: Backend) -> None:
    models = [{"id": "small", "label": "Fast"}, {"id": "large", "label": "Best"}]
    tools = [{"id": "web", "label": "Search", "icon": "globe"}]
    mount(bare, composer={"models": models, "tools": tools})
    bare.evaluate("chat.setComposerValue({ text: 'draft', reply: 'They said so.' })")
    bare.evaluate("chat.setComposerValue({ selectedToolId: 'web', selectedModelId: 'large' })")
    expect(composer(bare)).to_have_value("draft")
    expect(bare.locator(".quote")).to_contain_text("They said so.")
    assert heard(bare, "tool.change") == [["tool.change", {"toolId": "web"}]]
    assert 'no tool "x"' in refusal(bare, "chat.setComposerValue({ selectedToolId: 'x' })")
    assert 'no model "x"' in refusal(bare, "chat.setComposerValue({ selectedModelId: 'x' })")
    composer(bare).press("Enter")
    expect(replies(bare)).to_have_text("You said: draft")
    expect(bare.locator(".quote")).to_be_hidden()
    sent = backend.sent("threads.create")[0].params["input"]
    assert sent["quoted_text"] == "They said so."
    assert sent["inference_options"] == {"tool_choice": {"id": "web"}, "model": "large"}
    parts = "[{ type: 'input_text', text: 'for ' }, { type: 'input_tag', text: 'Ada', id: '1' }]"
    bare.evaluate(f"chat.setComposerValue({{ content: {parts}, reply: 'Quoted.' }})")
    expect(composer(bare)).to_have_value("for Ada")
    bare.get_by_role("button", name="Remove the quotation").click()
    expect(composer(bare)).to_be_focused()
    expect(bare.locator(".quote")).to_be_hidden()


def test_message_is_sent_with_all_that_is_given(bare: Page, backend: Backend) -> None:
    mount(bare, composer={"models": [{"id": "small", "label": "Fast"}]})
    bare.evaluate("""chat.sendUserMessage({
        text: 'hello', reply: 'Before.', toolChoice: { id: 'web' }, model: 'huge' })""")
    expect(replies(bare)).to_have_text("You said: hello")
    sent = backend.sent("threads.create")[0].params["input"]
    assert sent["quoted_text"] == "Before."
    assert sent["inference_options"] == {"tool_choice": {"id": "web"}, "model": "huge"}
    expect(bare.get_by_role("button", name="Send")).to_be_visible()
    bare.evaluate("chat.sendUserMessage({ text: 'more' })")
    expect(replies(bare)).to_have_count(2)
    later = backend.sent("threads.add_user_message")[0].params["input"]
    assert later["inference_options"] == {"model": "small"}
    expect(bare.get_by_role("button", name="Model: Fast")).to_be_visible()


def test_methods_are_refused_while_a_reply_is_made(bare: Page, backend: Backend) -> None:
    thread = backend.make_thread("Old", "hello", "Hi.")
    backend.hold("answer")
    mount(bare, initialThread=thread.id)
    expect(replies(bare)).to_have_text("Hi.")
    send(bare, "wait")
    wait_for(bare, "response.start")
    calls = ("sendUserMessage({ text: 'x' })", "sendCustomAction({ type: 'x' })", "fetchUpdates()")
    for call in calls:
        assert "still running" in refusal(bare, f"chat.{call}")
    bare.evaluate("chat.setThreadId(null)")  # the reply goes on without being watched
    expect(bare.get_by_role("heading", name="What can I help with today?")).to_be_visible()
    assert "open thread" in refusal(bare, "chat.sendCustomAction({ type: 'x' })")
    assert refusal(bare, "chat.fetchUpdates()") == ""
    backend.release("answer")
    bare.evaluate(
        """(id) => {
        chat.setThreadId(id);
        window.early = chat.fetchUpdates().catch((error) => error.message);
    }""",
        thread.id,
    )
    assert "still being loaded" in bare.evaluate("early")


def test_updates_of_the_thread_itself_are_fetched(bare: Page, backend: Backend) -> None:
    thread = backend.make_thread("Old", "hello", "Hi.")
    mount(bare, initialThread=thread.id)
    expect(bare.get_by_role("heading", name="Old")).to_be_visible()
    thread.title = "Renamed elsewhere"
    thread.status = {"type": "locked", "reason": "Under review."}
    bare.evaluate("chat.fetchUpdates()")
    expect(bare.get_by_role("heading", name="Renamed elsewhere")).to_be_visible()
    expect(bare.get_by_text("Under review.")).to_be_visible()
    expect(composer(bare)).to_be_disabled()


def test_effects_and_deeplinks_are_told(bare: Page, backend: Backend) -> None:
    mount(bare)
    send(bare, "everything")
    expect(replies(bare).last).to_have_text("final words")
    assert heard(bare, "effect") == [["effect", {"name": "confetti", "data": {"amount": 3}}]]
    assert "event.unknown" in logged(bare)
    expect(bare.get_by_role("button", name="Send")).to_be_visible()
    send(bare, f"say {DEEPLINK}")
    link = bare.get_by_role("link", name="the file")
    link.click()
    bare.get_by_role("link", name="all").focus()
    bare.keyboard.press("Enter")
    assert heard(bare, "deeplink") == [
        ["deeplink", {"name": "source", "data": {"id": "s 1", "page": "2"}}],
        ["deeplink", {"name": "list", "data": {}}],
    ]
    assert link.evaluate("(link) => link.tagName") == "BUTTON"


def test_each_event_has_the_detail_of_the_contract(bare: Page, backend: Backend) -> None:
    """The other five are in the tests of what they tell of."""
    thread = backend.make_thread("Old", "hello", "Hi.")
    mount(bare, initialThread=thread.id)
    wait_for(bare, "ready")
    expect(replies(bare)).to_have_text("Hi.")
    send(bare, "more")
    wait_for(bare, "response.end")
    bare.evaluate("chat.showHistory()")
    bare.evaluate("chat.hideHistory()")
    bare.evaluate("chat.setThreadId(null)")
    at = {"threadId": thread.id}
    told = [event for event in heard(bare, *EVENTS) if event[0] != "log"]
    assert sorted(told, key=lambda event: event[0] == "ready") == [
        ["thread.change", at],
        ["thread.load.start", at],
        ["thread.load.end", at],
        ["response.start", None],
        ["response.end", None],
        ["history.open", None],
        ["history.close", None],
        ["thread.change", {"threadId": None}],
        ["ready", None],
    ]


EVENTS = (
    "ready",
    "response.start",
    "response.end",
    "thread.change",
    "thread.load.start",
    "thread.load.end",
    "history.open",
    "history.close",
)
