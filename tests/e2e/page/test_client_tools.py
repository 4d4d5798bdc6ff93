"""What the server asks the page to carry out: the reply waits for it, and goes on."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from .backend import Backend
from .conftest import OpenPage
from .mounted import heard, mount, wait_until
from .steps import hurry, replies, send, thinking

ANSWERED = """() => {
    window.calls = [];
    window.handler = (call) => { calls.push(call); return outcome(); };
    window.outcome = async () => ({ rows: 3 });
}"""


def test_client_tool_is_carried_out_and_the_reply_goes_on(bare: Page, backend: Backend) -> None:
    bare.evaluate(ANSWERED)
    mount(bare, {"onClientTool": "handler"})
    send(bare, "ask count_rows")
    expect(replies(bare)).to_have_text('You said: got {"rows": 3}')
    assert bare.evaluate("calls") == [{"name": "count_rows", "params": {"depth": 2}}]
    (sent,) = backend.sent("threads.add_client_tool_output")
    assert sent.params["result"] == {"rows": 3}
    failures = {
        "() => { throw new Error('no table') }": "no table",
        "() => Promise.reject(new Error('gone'))": "gone",
        "() => { const ring = {}; ring.ring = ring; return ring; }": "circular",
    }
    for count, (outcome, message) in enumerate(failures.items(), start=2):
        bare.evaluate(f"() => {{ window.outcome = {outcome} }}")
        expect(bare.get_by_role("button", name="Send")).to_be_visible()
        send(bare, "ask count_rows")
        expect(replies(bare)).to_have_count(count)
        assert (
            message in backend.sent("threads.add_client_tool_output")[-1].params["result"]["error"]
        )
        assert message in heard(bare, "error")[-1][1]["error"]
    mount(bare)
    send(bare, "ask fly")
    expect(replies(bare)).to_contain_text("carries out no tools")


def test_client_tool_that_hangs_is_given_up_or_stopped(bare: Page, backend: Backend) -> None:
    bare.evaluate(ANSWERED)
    bare.evaluate("() => { window.outcome = () => new Promise(() => {}) }")
    mount(bare, {"onClientTool": "handler"})
    send(bare, "ask wait")
    expect(thinking(bare)).to_be_visible()
    wait_until(bare, "calls.length === 1")
    bare.get_by_role("button", name="Stop").click()
    expect(bare.get_by_role("button", name="Send")).to_be_visible()
    assert backend.sent("threads.add_client_tool_output") == []
    hurry(bare, "timings.clientTool = 0.05")
    bare.get_by_role("button", name="Retry").click()
    expect(replies(bare)).to_contain_text("It took longer than")


def test_client_tool_left_open_waits_for_the_user(bare: Page, backend: Backend) -> None:
    thread = backend.make_thread("Old", "ask count_rows")
    call = {"status": "pending", "call_id": "c", "name": "count_rows", "arguments": {}}
    thread.put(thread.item("client_tool_call", **call))
    bare.evaluate(ANSWERED)
    mount(bare, {"onClientTool": "handler"}, initialThread=thread.id)
    expect(bare.get_by_text("This reply waits for “count_rows”.")).to_be_visible()
    assert bare.evaluate("calls") == []
    bare.get_by_role("button", name="Continue").click()
    expect(replies(bare)).to_have_text('You said: got {"rows": 3}')


def test_one_of_two_tabs_carries_a_client_tool_out(open_page: OpenPage, backend: Backend) -> None:
    backend.hold("answer")
    thread = backend.make_thread("Old", "hello", "Hi.")
    page = open_page("/bare")
    other = page.context.new_page()
    try:
        other.goto(page.url)
        for tab in (page, other):
            tab.evaluate("import('/chatkit.js')")
            tab.evaluate(ANSWERED)
            mount(tab, {"onClientTool": "handler"}, initialThread=thread.id)
            expect(replies(tab)).to_have_text("Hi.")
        backend.hold("call")
        send(page, "ask-later count_rows")
        expect(thinking(page)).to_be_visible()
        other.evaluate("chat.fetchUpdates()")
        expect(thinking(other)).to_be_visible()
        backend.release("call")
        backend.release("answer")
        for tab in (page, other):
            expect(replies(tab).last).to_have_text('You said: got {"rows": 3}')
        assert len(page.evaluate("calls")) + len(other.evaluate("calls")) == 1
        assert len(backend.sent("threads.add_client_tool_output")) == 1
    finally:
        other.close()
