"""A client tool from the model's host through the server to a page, and its answer back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.page.steps import badge, replies, send
from tests.e2e.serving.server import serving
from tests.e2e.serving.test_in_a_browser import (
    PATIENCE_MILLISECONDS,
    finish,
    open_page,
    picture,
    wire_server,
)
from tests.wire import Call, Calls, Text

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]

TOOLS = [{"name": "open_map", "description": "Shows a place on the page's map."}]
OPTIONS = """() => {
    window.calls = [];
    document.querySelector('openai-chatkit').setOptions({
        api: { url: '/chatkit' },
        composer: { models: [{ id: 'wire', label: 'Wire' }, { id: 'other', label: 'Other' }] },
        onClientTool: async (call) => { calls.push(call); return { shown: call.params.place }; },
    });
}"""


def test_page_carries_a_tool_out_and_the_reply_goes_on(browser: Browser, folder: Path) -> None:
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    call = Calls([Call("open_map", {"place": "Rome"})])
    with wire_server(call, Text("Here it is.")) as wire:
        env = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": wire.base_url, "AGENT_MODEL": "wire"}
        env |= {"CLIENT_TOOLS": json.dumps(TOOLS), "AGENT_MODELS": "other", "AGENT_TITLES": "off"}
        with serving(folder / "data", env=env) as server:
            page = open_page(browser, server)
            # The page's own options come first.
            expect(page.get_by_role("button", name="Model: Wire")).to_be_visible()
            page.evaluate(OPTIONS)
            page.get_by_role("button", name="Model: Wire").click()
            page.get_by_role("menuitemradio", name="Other").click()
            send(page, "where is Rome?")
            expect(replies(page).last).to_have_text("Here it is.")
            finish(page)
            assert page.evaluate("calls") == [{"name": "open_map", "params": {"place": "Rome"}}]
            expect(badge(page)).to_have_count(1)
            picture(page, "page-client-tool")
            page.reload()
            expect(replies(page).last).to_have_text("Here it is.")
    bodies = [request.body for request in wire.requests]
    assert [body["model"] for body in bodies] == ["other", "other"]
    assert '{"shown":"Rome"}' in json.dumps(bodies[1]["input"]).replace('\\"', '"')
