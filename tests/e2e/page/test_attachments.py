"""Files that go with a message: chosen, checked, uploaded, sent and shown."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, Request, Route, expect

from .conftest import OpenPage
from .mounted import mount
from .played import Played, played
from .steps import send

__all__ = ["played"]

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYPj/HwADAgH/p4NoFgAAAABJRU5ErkJggg=="
)
PNG: FilePayload = {"name": "cat.png", "mimeType": "image/png", "buffer": PIXEL}
TEXT: FilePayload = {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"the plan"}

Answer = Callable[[Route], None]


class Uploads:
    """A server that takes files; what it answers an upload with is for the test to say."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.sent: list[dict[str, Any]] = []
        self.uploads: list[Request] = []
        self.answers: list[Answer] = []
        page.evaluate("import('/chatkit.js')")
        page.route("**/chatkit", self._chatkit)
        page.route("**/upload/**", self._upload)
        page.route(
            "**/preview/*", lambda route: route.fulfill(body=PIXEL, content_type="image/png")
        )

    def mount(self, strategy: dict[str, str] | None = None, **attachments: Any) -> None:
        api = {"url": "/chatkit", "uploadStrategy": strategy or {"type": "two_phase"}}
        mount(self.page, api=api, composer={"attachments": {"enabled": True, **attachments}})

    def choose(self, *files: FilePayload) -> None:
        self.page.locator("input[type=file]").set_input_files(list(files))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [request["params"] for request in self.sent if request["type"] == kind]

    def wait_for(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """Requests are told of while the page is waited for."""
        for _ in range(500):
            if len(self.of(kind)) >= count:
                break
            self.page.wait_for_timeout(20)
        return self.of(kind)

    def _chatkit(self, route: Route) -> None:
        request = route.request.post_data_json
        self.sent.append(request)
        match request["type"]:
            case "attachments.create":
                route.fulfill(json=self._announced(request["params"]))
            case "attachments.delete":
                route.fulfill(json={})
            case _:
                done = {"type": "stream_options", "stream_options": {"allow_cancel": True}}
                body = f"data: {json.dumps(done)}\n\n"
                route.fulfill(body=body, content_type="text/event-stream")

    def _announced(self, params: dict[str, Any]) -> dict[str, Any]:
        made = attachment(f"att-{len(self.of('attachments.create'))}", **params)
        url = self.page.evaluate("location.origin") + f"/upload/{made['id']}"
        headers = {"X-Upload": "yes"}
        return made | {"upload_descriptor": {"url": url, "method": "PUT", "headers": headers}}

    def _upload(self, route: Route) -> None:
        self.uploads.append(route.request)
        answer = self.answers.pop(0) if self.answers else taken
        answer(route)


def attachment(attachment_id: str, name: str, mime_type: str, **_: Any) -> dict[str, Any]:
    made = {"id": attachment_id, "name": name, "mime_type": mime_type, "type": "file"}
    if mime_type.startswith("image/"):
        made |= {"type": "image", "preview_url": f"/preview/{attachment_id}"}
    return made


def taken(route: Route) -> None:
    route.fulfill(status=204)


def refused(route: Route) -> None:
    route.fulfill(status=413, json={"title": "Too large", "detail": "The file is too large."})


@pytest.fixture
def uploads(open_page: OpenPage) -> Uploads:
    return Uploads(open_page("/bare"))


def test_files_are_announced_uploaded_sent_and_shown(uploads: Uploads) -> None:
    held: list[Route] = []
    uploads.answers = [taken, held.append]
    uploads.mount()
    page = uploads.page
    page.get_by_role("textbox", name="Message").fill("Look at these")
    uploads.choose(PNG, TEXT)
    files = page.locator(".attached .file")
    expect(files).to_have_count(2)
    expect(files.first).to_have_attribute("data-state", "done")
    expect(files.first.locator("img")).to_have_attribute("src", re.compile("^blob:"))
    expect(files.last.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    held[0].fulfill(status=204)
    expect(files.last).to_have_attribute("data-state", "done")
    assert uploads.of("attachments.create") == [
        {"name": "cat.png", "size": len(PIXEL), "mime_type": "image/png"},
        {"name": "plan.txt", "size": 8, "mime_type": "text/plain"},
    ]
    assert [one.headers["x-upload"] for one in uploads.uploads] == ["yes", "yes"]
    assert [one.method for one in uploads.uploads] == ["PUT", "PUT"]
    page.get_by_role("button", name="Send").click()
    expect(files).to_have_count(0)
    expect(page.locator(".bubble img")).to_have_attribute("alt", "cat.png")
    expect(page.locator(".bubble .file")).to_have_text("plan.txt")
    (created,) = uploads.wait_for("threads.create")
    assert created["input"]["attachments"] == ["att-1", "att-2"]
    send(page, "And no more")
    expect(page.locator(".bubble")).to_have_count(2)
    assert uploads.wait_for("threads.create", 2)[-1]["input"]["attachments"] == []


def test_failed_upload_says_why_and_is_tried_again_or_removed(uploads: Uploads) -> None:
    uploads.answers = [refused, lambda route: route.abort(), taken]
    uploads.mount()
    page = uploads.page
    uploads.choose(TEXT)
    file = page.locator(".attached .file")
    expect(file).to_contain_text("The file is too large.")
    page.get_by_role("button", name="Upload plan.txt again").click()
    expect(file).to_contain_text("could not be uploaded")
    page.get_by_role("button", name="Upload plan.txt again").click()
    expect(file).to_have_attribute("data-state", "done")
    page.get_by_role("button", name="Remove plan.txt").click()
    expect(file).to_have_count(0)
    expect(page.get_by_role("button", name="Attach files")).to_be_focused()
    assert uploads.wait_for("attachments.delete") == [{"attachment_id": "att-3"}]


def test_removal_ends_an_upload_under_way(uploads: Uploads) -> None:
    held: list[Route] = []
    uploads.answers = [held.append]
    uploads.mount()
    uploads.choose(TEXT)
    expect(uploads.page.get_by_role("progressbar")).to_be_visible()
    with uploads.page.expect_event("requestfailed"):
        uploads.page.get_by_role("button", name="Remove plan.txt").click()
    expect(uploads.page.locator(".attached")).to_be_hidden()
    assert uploads.of("attachments.delete") == []


def test_files_that_are_not_wanted_are_refused_in_words(uploads: Uploads) -> None:
    accept = {"image/*": [".png"], "application/pdf": [".pdf"]}
    uploads.mount(accept=accept, maxCount=1, maxSize={"image/*": 100, "*": 20})
    page = uploads.page
    expect(page.locator("input[type=file]")).to_have_attribute(
        "accept", "image/*,.png,application/pdf,.pdf"
    )
    alert = page.locator(".refused")
    uploads.choose(TEXT)
    expect(alert).to_have_text("“plan.txt” is not accepted: expected image/*, application/pdf.")
    uploads.choose(PNG | {"buffer": b"x" * 101})
    expect(alert).to_have_text("“cat.png” is larger than 100 bytes.")
    uploads.choose({"name": "a.pdf", "mimeType": "", "buffer": b"x" * 21})
    expect(alert).to_have_text("“a.pdf” is larger than 20 bytes.")
    uploads.choose(PNG | {"buffer": b""})
    expect(alert).to_have_text("“cat.png” is empty.")
    uploads.choose(PNG, PNG)
    expect(alert).to_have_text("At most 1 file can be attached.")
    expect(page.locator(".attached .file")).to_have_count(1)
    assert len(uploads.of("attachments.create")) == 1


def test_direct_upload_posts_the_file_as_a_form(uploads: Uploads) -> None:
    made = attachment("made", "plan.txt", "text/plain")
    uploads.answers = [lambda route: route.fulfill(json=made)]
    uploads.mount({"type": "direct", "uploadUrl": "/upload/here"})
    uploads.choose(TEXT)
    expect(uploads.page.locator(".attached .file")).to_have_attribute("data-state", "done")
    (posted,) = uploads.uploads
    assert posted.method == "POST"
    assert posted.headers["content-type"].startswith("multipart/form-data; boundary=")
    send(uploads.page, "Here")
    expect(uploads.page.locator(".bubble .file")).to_have_text("plan.txt")
    assert uploads.wait_for("threads.create")[0]["input"]["attachments"] == ["made"]
    assert uploads.of("attachments.create") == []


DROP = """
(kind) => {
    const data = new DataTransfer();
    data.items.add(new File(['x'], `${kind}.txt`, { type: 'text/plain' }));
    const root = chat.shadowRoot;
    const target = root.querySelector(kind === 'paste' ? 'textarea' : '.frame');
    const about = { bubbles: true, cancelable: true };
    target.dispatchEvent(kind === 'paste'
        ? new ClipboardEvent('paste', { ...about, clipboardData: data })
        : new DragEvent('drop', { ...about, dataTransfer: data }));
}
"""


def test_files_are_dropped_pasted_and_given_by_the_page(uploads: Uploads) -> None:
    uploads.mount()
    page = uploads.page
    for kind in ("drop", "paste"):
        page.evaluate(DROP, kind)
    page.evaluate("chat.setComposerValue({ files: [new File(['x'], 'given.txt')] })")
    files = page.locator(".attached .file")
    expect(files).to_have_text(["drop.txt", "paste.txt", "given.txt"])
    made = attachment("old", "old.png", "image/png")
    page.evaluate("one => chat.setComposerValue({ text: 'Look', attachments: [one] })", made)
    expect(files).to_have_text(["old.png"])
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".bubble img")).to_have_attribute("src", re.compile("/preview/old$"))
    assert uploads.wait_for("threads.create")[0]["input"]["attachments"] == ["old"]


def test_without_the_option_nothing_can_be_attached(played: Played) -> None:
    played.show()
    for kind in ("drop", "paste"):
        played.page.evaluate(DROP, kind)
    expect(played.page.get_by_role("button", name="Attach files")).to_have_count(0)
    expect(played.page.locator(".attached .file")).to_have_count(0)


def test_uploads_go_the_way_of_the_pages_own_fetch(played: Played) -> None:
    composer = {"attachments": {"enabled": True}}
    played.show(composer=composer)
    made = attachment("made", "plan.txt", "text/plain")
    made |= {"upload_descriptor": {"url": f"{played.page.url}/upload", "method": "PUT"}}
    played.page.evaluate("made => { answers['attachments.create'] = made }", made)
    address = f"PUT {played.page.url}/upload"
    played.page.evaluate("key => { answers[key] = new Response(null) }", address)
    played.page.locator("input[type=file]").set_input_files([TEXT])
    played.wait_for(address)
    expect(played.page.locator(".attached .file")).to_have_attribute("data-state", "done")
