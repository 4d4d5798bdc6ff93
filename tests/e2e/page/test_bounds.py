"""What the element asks for and keeps, however long a conversation or a reply becomes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page, expect

from .backend import Backend
from .conftest import OpenPage
from .played import Played, played

__all__ = ["played"]

MESSAGES = 1_000
PAGE = 30
#: Between two moments in which the same is on the screen.
GROWTH_BYTES = 1_500_000
NODES_PER_MESSAGE = 60

#: Messages that are said in a thousand pieces and then taken away.
CYCLES = """
(cycles) => {
    for (let cycle = 0; cycle < cycles; cycle++) {
        const item = { id: `r${cycle}`, type: 'assistant_message', content: [] };
        const frames = [{ type: 'thread.item.added', item }];
        for (let n = 0; n < 998; n++) {
            const type = 'assistant_message.content_part.text_delta';
            const delta = n % 40 ? 'words of **it** ' : '\\n\\n';
            const update = { type, content_index: 0, delta };
            frames.push({ type: 'thread.item.updated', item_id: item.id, update });
        }
        push([...frames, { type: 'thread.item.removed', item_id: item.id }]);
    }
    push([{ type: 'progress_update', text: `Cycle ${cycles}` }]);
}
"""


@pytest.fixture
def cdp(played: Played) -> Iterator[CDPSession]:
    session = played.page.context.new_cdp_session(played.page)
    session.send("Performance.enable")
    yield session
    session.detach()


def settled(page: Page, cdp: CDPSession) -> dict[str, float]:
    """The metrics after a forced collection."""
    for _ in range(3):
        cdp.send("HeapProfiler.collectGarbage")
        page.wait_for_timeout(50)
    answer: dict[str, Any] = cdp.send("Performance.getMetrics")
    return {metric["name"]: metric["value"] for metric in answer["metrics"]}


def test_memory_does_not_grow_with_the_frames(played: Played, cdp: CDPSession) -> None:
    page = played.page
    played.show()
    page.evaluate("chat.sendUserMessage({ text: 'go' })")
    played.wait_for("threads.add_user_message")
    heaps, nodes = [], []
    for cycles in (5, 40):
        page.evaluate(CYCLES, cycles)
        expect(page.get_by_text(f"Cycle {cycles}")).to_be_visible(timeout=60_000)
        found = settled(page, cdp)
        heaps.append(found["JSHeapUsedSize"])
        nodes.append(found["Nodes"])
    assert heaps[1] - heaps[0] < GROWTH_BYTES
    assert nodes[1] - nodes[0] < NODES_PER_MESSAGE
    played.end()


def test_long_conversation_is_asked_for_in_pages(open_page: OpenPage, backend: Backend) -> None:
    thread = backend.make_thread("Long", *(f"message {n}" for n in range(MESSAGES)))
    page = open_page(f"/?c={thread.id}")
    expect(page.locator(".message")).to_have_count(PAGE)
    assert len(backend.sent("items.list")) == 1
    scroller = page.get_by_role("region", name="Conversation", exact=True)
    for pages in range(1, 6):
        scroller.evaluate("element => element.scrollTo(0, 0)")
        expect(page.locator(".page")).to_have_count(pages)
    expect(page.locator(".message")).to_have_count(6 * PAGE)
    assert len(backend.sent("items.list")) == 6
    assert page.evaluate(
        "[...document.querySelector('openai-chatkit').shadowRoot.querySelectorAll('.page')]"
        ".every((page) => getComputedStyle(page).contentVisibility === 'auto')"
    )
    nodes = page.locator(".log *").count()
    assert nodes < 6 * PAGE * NODES_PER_MESSAGE
