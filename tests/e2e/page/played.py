"""The element with a server inside the page, whose every frame a test decides about."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Locator, Page

from .conftest import OpenPage
from .mounted import mount

#: `answers` are those of operations that do not stream; a list of them is used up in turn.
SERVER = """
() => {
    const encoder = new TextEncoder();
    const headers = (kind) => ({ headers: { 'Content-Type': kind } });
    const json = (body) => new Response(JSON.stringify(body), headers('application/json'));
    window.sent = [];
    const thread = { id: 't', created_at: '2026-01-01T00:00:00Z', status: { type: 'active' } };
    window.answers = { 'threads.get_by_id': { ...thread, items: { data: [], has_more: false } } };
    window.items = [];
    let controller;
    window.push = (frames) => frames.forEach((frame) =>
        controller.enqueue(encoder.encode(`data: ${JSON.stringify(frame)}\\n\\n`)));
    window.end = () => controller.close();
    window.played = async (url, init) => {
        const isJson = typeof init.body === 'string';
        const request = isJson ? JSON.parse(init.body) : { type: `${init.method} ${url}` };
        sent.push(request);
        const newest = { data: [...items].reverse(), has_more: false };
        if (request.type === 'items.list') return json(newest);
        if (request.type in answers) {
            const answer = await answers[request.type];
            return answer instanceof Response ? answer : json(answer);
        }
        const body = new ReadableStream({ start: (given) => { controller = given; } });
        return new Response(body, headers('text/event-stream'));
    };
}
"""


class Played:
    def __init__(self, page: Page) -> None:
        self.page = page
        page.evaluate("import('/chatkit.js')")
        page.evaluate(SERVER)

    def show(
        self, *items: dict[str, Any], functions: dict[str, str] | None = None, **options: Any
    ) -> None:
        """A conversation with these items, open."""
        whole = [{"thread_id": "t", "created_at": "2026-01-01T00:00:00Z", **one} for one in items]
        self.page.evaluate("items => { window.items = JSON.parse(items) }", json.dumps(whole))
        given = {"api.fetch": "played", **(functions or {})}
        mount(self.page, given, initialThread="t", **options)
        self.page.wait_for_function("heard.some(([name]) => name === 'thread.load.end')")

    def push(self, *frames: dict[str, Any]) -> None:
        self.page.evaluate("frames => push(frames)", list(frames))

    def update(self, item_id: str, **update: Any) -> None:
        self.push({"type": "thread.item.updated", "item_id": item_id, "update": update})

    def end(self) -> None:
        self.page.evaluate("end()")
        self.page.wait_for_function("heard.some(([name]) => name === 'response.end')")

    def sent(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.page.evaluate("sent")
        return [request for request in found if request["type"] == kind]

    def wait_for(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        self.page.wait_for_function(
            "([kind, count]) => sent.filter(({ type }) => type === kind).length >= count",
            arg=[kind, count],
        )
        return self.sent(kind)


@pytest.fixture
def played(open_page: OpenPage) -> Played:
    return Played(open_page("/bare"))


def widget(root: dict[str, Any], item_id: str = "w") -> dict[str, Any]:
    return {"id": item_id, "type": "widget", "widget": root}


def card(*children: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {"type": "Card", "children": list(children), **properties}


def drawn(page: Page) -> Locator:
    return page.locator(".widget")
