"""Files and questions through the real server, a real browser and a refresh."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from api.session import LOCAL_USER
from commands.conversation import CONVERSATION, PutItem
from commands.handle import Origin
from events.conversation import stream_of
from events.ids import new_id
from runtime.embedded.record import locate
from runtime.node import open_node
from runtime.settings import load_settings
from tests.e2e.page.steps import conversation_id, replies, send
from tests.e2e.page.test_attachments import PNG, TEXT
from tests.e2e.page.test_structured_input import asked
from tests.e2e.serving.server import serving
from tests.e2e.serving.test_in_a_browser import PATIENCE_MILLISECONDS, finish, open_page, picture

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]


def put(data_dir: Path, conversation: str, item: dict[str, Any]) -> None:
    """An item as an agent may come to put it into a thread, by a node beside the server."""
    whole = {
        **item,
        "id": str(new_id()),
        "thread_id": conversation,
        "created_at": "2026-01-01T00:00:00Z",
    }

    async def handle() -> None:
        settings = load_settings(verbatim_data_dir=data_dir)
        async with open_node(settings, database_url=locate(data_dir)) as node:
            origin = Origin(owner_id=LOCAL_USER, actor=f"user:{LOCAL_USER}")
            stream_id = stream_of(conversation)
            await node.handler.handle(CONVERSATION, stream_id, PutItem(item=whole), origin)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, handle()).result(60)


def sees_files(page: Page) -> None:
    shown = page.locator(".bubble img")
    expect(shown).to_have_attribute("alt", PNG["name"])
    expect(page.locator(".bubble .file")).to_have_text(TEXT["name"])
    page.wait_for_function(
        "document.querySelector('openai-chatkit').shadowRoot"
        ".querySelector('.bubble img')?.naturalWidth === 1"
    )


def test_files_and_questions_survive_a_refresh(browser: Browser, folder: Path) -> None:
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    data_dir = folder / "data"
    with serving(data_dir) as server:
        page = open_page(browser, server)
        page.locator("input[type=file]").set_input_files([PNG, TEXT])
        expect(page.locator(".attached .file[data-state=done]")).to_have_count(2)
        page.locator("input[type=file]").set_input_files(
            [{"name": "run.exe", "mimeType": "application/x-msdownload", "buffer": b"MZ"}]
        )
        expect(page.locator(".attached .file").last).to_contain_text("not accepted")
        page.get_by_role("button", name="Remove run.exe").click()
        send(page, "add buy milk")
        finish(page)
        sees_files(page)
        picture(page, "page-files")
        page.reload()
        sees_files(page)
        conversation = conversation_id(page)
        put(data_dir, conversation, asked())
        page.reload()
        which = page.get_by_role("group", name="Which colour?")
        which.get_by_label("green", exact=True).check()
        picture(page, "page-question")
        page.get_by_role("button", name="Send answers").click()
        answered = page.locator(".asked dd")
        expect(answered).to_have_text(["green", "Skipped", "Skipped"])
        expect(replies(page)).to_have_count(2)
        finish(page)
        page.reload()
        expect(answered).to_have_text(["green", "Skipped", "Skipped"])
        expect(page.get_by_role("button", name="Send answers")).to_have_count(0)
        expect(page.locator(".asked")).to_have_count(1)
