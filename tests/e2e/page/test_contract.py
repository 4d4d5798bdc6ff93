"""The element alone, as a page that knows only the published contract uses it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from .backend import Backend, Refusal
from .steps import replies

MOUNT = """
(options) => {
    const element = document.createElement('openai-chatkit');
    window.chat = element;
    window.events = [];
    for (const name of ['error', 'response.start', 'response.end', 'thread.change',
                        'thread.load.start', 'thread.load.end', 'log'])
        element.addEventListener(`chatkit.${name}`, ({ detail }) => events.push(
            [name, detail?.threadId ?? detail?.name ?? detail?.error?.message ?? null]));
    element.setOptions(options ?? { api: { url: '/chatkit', domainKey: 'local' } });
    document.body.append(element);
}
"""


def events(page: Page, *names: str) -> list[list[Any]]:
    found: list[list[Any]] = page.evaluate("events")
    return [event for event in found if event[0] in names]


def test_ready_waits_for_a_late_listener(bare: Page) -> None:
    heard = bare.evaluate("""async () => {
        const element = document.createElement('openai-chatkit');
        element.setOptions({ api: { url: '/chatkit' } });
        document.body.append(element);
        await new Promise((done) => setTimeout(done, 100));
        let count = 0;
        element.addEventListener('chatkit.ready', () => (count += 1));
        await new Promise((done) => setTimeout(done, 400));
        return count;
    }""")
    assert heard == 1


def test_ready_comes_by_itself_to_listeners_further_up(bare: Page) -> None:
    waited = bare.evaluate("""async () => {
        const start = performance.now();
        const ready = new Promise((done) => document.addEventListener('chatkit.ready', done));
        document.body.append(document.createElement('openai-chatkit'));
        await ready;
        return performance.now() - start;
    }""")
    assert 200 < waited < 1_500


NONSENSE = [
    "undefined",
    "null",
    "42",
    "'text'",
    "[]",
    "{}",
    "{ api: null, theme: 7, startScreen: [], composer: 'x', thread: null }",
    "{ api: { url: 9 }, startScreen: { prompts: [null, {}, { label: 1 }] } }",
    "{ theme: { color: { accent: { primary: 'no colour' } }, typography: null } }",
    "{ get api() { throw new Error('trap') } }",
    "new Proxy({}, { ownKeys() { throw new Error('trap') } })",
    "{ theme: new Proxy({}, { get() { throw new Error('trap') } }) }",
    "{ initialThread: Symbol('x'), theme: { radius: {} }, disclaimer: { text: 3 } }",
]


def test_set_options_never_throws(bare: Page) -> None:
    for options in NONSENSE:
        bare.evaluate(f"""() => {{
            document.body.replaceChildren(document.createElement('openai-chatkit'));
            const element = document.body.firstChild;
            element.setOptions({options});
            element.setOptions({{ startScreen: {{ greeting: 'Still here' }} }});
        }}""")
        expect(bare.get_by_role("heading", name="Still here")).to_be_visible()


def test_set_options_replaces_instead_of_merging(bare: Page) -> None:
    bare.evaluate(MOUNT, {"composer": {"placeholder": "Ask"}, "theme": "dark"})
    box = bare.get_by_role("textbox", name="Message")
    expect(box).to_have_attribute("placeholder", "Ask")
    bare.evaluate("chat.setOptions({ startScreen: { greeting: 'Hi' } })")
    expect(box).to_have_attribute("placeholder", "Message the AI")
    expect(bare.locator(".frame")).to_have_attribute("data-scheme", "light")
    expect(bare.get_by_role("heading", name="Hi")).to_be_visible()


def test_own_fetch_is_called_on_the_api_options(bare: Page) -> None:
    bare.evaluate("""() => {
        window.calls = [];
        const api = { url: '/chatkit', domainKey: 'x', fetch(url, init) {
            calls.push([this === api, url]);
            return fetch(url, { ...init, headers: { ...init.headers, 'X-Extra': 'yes' } });
        } };
        window.chat = document.createElement('openai-chatkit');
        chat.setOptions({ api });
        document.body.append(chat);
        return chat.sendUserMessage({ text: 'hello' });
    }""")
    expect(replies(bare)).to_have_text("You said: hello")
    assert bare.evaluate("calls") == [[True, "/chatkit"]]


def test_start_screen_prompt_is_sent(bare: Page, backend: Backend) -> None:
    prompts = [{"label": "Greet", "prompt": "hello"}, {"label": "Broken", "prompt": None}]
    bare.evaluate(MOUNT, {"api": {"url": "/chatkit"}, "startScreen": {"prompts": prompts}})
    expect(bare.get_by_role("button", name="Broken")).to_have_count(0)
    bare.get_by_role("button", name="Greet").click()
    expect(replies(bare)).to_have_text("You said: hello")
    (sent,) = backend.sent("threads.create")
    assert sent.headers["verbatim-frames"] == "id"
    assert sent.headers["accept"] == "text/event-stream"
    assert sent.params["input"] == {
        "content": [{"type": "input_text", "text": "hello"}],
        "attachments": [],
        "inference_options": {},
    }


def test_events_come_in_order(bare: Page) -> None:
    bare.evaluate(MOUNT)
    bare.evaluate("chat.sendUserMessage({ text: 'hello' })")
    expect(replies(bare)).to_have_text("You said: hello")
    bare.wait_for_function("events.some(([name]) => name === 'response.end')")
    names = [name for name, _ in events(bare, "response.start", "thread.change", "response.end")]
    assert names == ["response.start", "thread.change", "response.end"]


def test_initial_thread_is_loaded(bare: Page, backend: Backend) -> None:
    thread = backend.make_thread("Old", "hello", "Hi.")
    bare.evaluate(MOUNT, {"api": {"url": "/chatkit"}, "initialThread": thread.id})
    expect(replies(bare)).to_have_text("Hi.")
    assert events(bare, "thread.change", "thread.load.start", "thread.load.end") == [
        ["thread.change", thread.id],
        ["thread.load.start", thread.id],
        ["thread.load.end", thread.id],
    ]


def test_thread_chosen_before_the_options_is_opened(bare: Page, backend: Backend) -> None:
    thread = backend.make_thread("Old", "hello", "Hi.")
    bare.evaluate(
        """async (id) => {
        const chat = document.body.appendChild(document.createElement('openai-chatkit'));
        await chat.setThreadId(id);
        chat.setOptions({ api: { url: '/chatkit' } });
    }""",
        thread.id,
    )
    expect(replies(bare)).to_have_text("Hi.")


def test_methods_of_the_composer(bare: Page) -> None:
    bare.evaluate(MOUNT)
    bare.evaluate("chat.setComposerValue({ text: 'draft' })")
    box = bare.get_by_role("textbox", name="Message")
    expect(box).to_have_value("draft")
    bare.evaluate("chat.focusComposer()")
    expect(box).to_be_focused()


def test_send_refuses_what_cannot_be_sent(bare: Page) -> None:
    bare.evaluate(MOUNT)
    told = "(message) => chat.sendUserMessage(message).catch((error) => error.message)"
    assert "needs text" in bare.evaluate(told, {})
    assert "at most 32000" in bare.evaluate(told, {"text": "x" * 32_001})
    assert bare.locator(".user").count() == 0


def test_send_without_options_says_what_is_missing(bare: Page) -> None:
    bare.evaluate(MOUNT, {})
    bare.evaluate("chat.sendUserMessage({ text: 'hello' })")
    expect(bare.get_by_role("alert")).to_contain_text("Call setOptions({ api: { url } }) first.")
    expect(bare.get_by_role("textbox", name="Message")).to_have_value("hello")


def test_new_thread_can_be_asked_for(bare: Page, backend: Backend) -> None:
    bare.evaluate(MOUNT)
    for text in ("one", "two"):
        bare.evaluate("(text) => chat.sendUserMessage({ text, newThread: true })", text)
        expect(replies(bare)).to_have_text(f"You said: {text}")
        expect(bare.get_by_role("button", name="Send")).to_be_visible()
    assert len(backend.sent("threads.create")) == 2


def test_fetch_updates_shows_what_others_wrote(bare: Page, backend: Backend) -> None:
    thread = backend.make_thread("Old", "hello", "Hi.", "bye", "See you.")
    bare.evaluate(MOUNT, {"api": {"url": "/chatkit"}, "initialThread": thread.id})
    expect(replies(bare)).to_have_count(2)
    thread.remove(thread.items[2]["id"])
    thread.put(thread.assistant_message("Hi there.", thread.items[1]["id"]))
    thread.put(thread.user_message("new"))
    thread.put(thread.assistant_message("news"))
    bare.evaluate("chat.fetchUpdates()")
    texts = bare.locator(".message .bubble, .message .markdown")
    expect(texts).to_have_text(["hello", "Hi there.", "See you.", "new", "news"])


def test_custom_action_is_streamed(bare: Page, backend: Backend) -> None:
    thread = backend.make_thread("Old", "hello", "Hi.")
    bare.evaluate(MOUNT, {"api": {"url": "/chatkit"}, "initialThread": thread.id})
    expect(replies(bare)).to_have_count(1)
    bare.evaluate("chat.sendCustomAction({ type: 'ping', payload: { a: 1 } }, 'item')")
    expect(replies(bare).last).to_have_text("You said: ping")
    (sent,) = backend.sent("threads.custom_action")
    assert sent.params["action"] == {"type": "ping", "payload": {"a": 1}}
    assert sent.params["item_id"] == "item"


def test_error_event_carries_the_error(bare: Page, backend: Backend) -> None:
    bare.evaluate(MOUNT)
    backend.refusals = [Refusal(401, "Expired.")]
    bare.evaluate("chat.sendUserMessage({ text: 'hello' })")
    bare.wait_for_function("events.some(([name]) => name === 'error')")
    assert events(bare, "error") == [["error", "You are signed out. Sign in again to continue."]]


def test_moved_element_keeps_its_reply(bare: Page, backend: Backend) -> None:
    backend.hold("middle")
    bare.evaluate(MOUNT)
    bare.evaluate("chat.sendUserMessage({ text: 'count' })")
    expect(replies(bare)).to_contain_text("n20")
    bare.evaluate("document.body.appendChild(document.createElement('div')).append(chat)")
    backend.release("middle")
    expect(replies(bare)).to_contain_text("n40")
    assert backend.sent("resume") == []


def test_removed_element_picks_its_reply_up_again(bare: Page, backend: Backend) -> None:
    backend.hold("middle")
    bare.evaluate(MOUNT)
    bare.evaluate("chat.sendUserMessage({ text: 'count' })")
    expect(replies(bare)).to_contain_text("n20")
    bare.evaluate(
        "async () => { chat.remove(); await new Promise((done) => setTimeout(done, 50)) }"
    )
    backend.release("middle")
    bare.evaluate("document.body.append(chat)")
    expect(replies(bare)).to_contain_text("n40")
    expect(bare.locator(".user")).to_have_count(1)


def test_own_accent_is_made_readable(bare: Page) -> None:
    accent = {"theme": {"colorScheme": "light", "color": {"accent": {"primary": "#ffd60a"}}}}
    bare.evaluate(MOUNT, accent)
    value = "element => getComputedStyle(element).getPropertyValue('--accent-text')"
    darkened = bare.locator(".frame").evaluate(value)
    assert darkened != "#ffd60a"
    assert int(darkened[1:3], 16) < 0xC0
