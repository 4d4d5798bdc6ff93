"""The README's pictures of the site, taken of `scripts/web`: `scripts/screenshots [FOLDER]`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright

from tests.e2e.page.conftest import CHROMIUM_FLAGS
from tests.e2e.page.steps import badge, composer, send
from tests.e2e.web import model
from tests.e2e.web.holding import held_tasks
from tests.e2e.web.people import Person, sign_up
from tests.e2e.web.site import Site, served_site
from tests.e2e.web.steps import PATIENCE_MILLISECONDS, header_badge, open_chat
from tests.wire import Calls, ResponsesServer, Text, Turn, WireRequest

LARGEST_BYTES = 150_000
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 375, "height": 720}
LOST = "Mark “Renew passport” as done"
NOT_FOUND = "There is no task called **Renew passport**, so nothing was changed. Shall I add it?"

Scheme = Literal["light", "dark"]


def answer(request: WireRequest) -> Turn:
    if request.last_user_text != LOST:
        return model.answer(request)
    if request.tool_outputs:
        return Text(NOT_FOUND)
    return Calls([("complete_task", {"task_id": "renew-passport"})])


@dataclass(frozen=True)
class Studio:
    site: Site
    browser: Browser
    ada: Person
    folder: Path

    @contextmanager
    def page(self, scheme: Scheme = "light", *, is_signed_in: bool = True) -> Iterator[Page]:
        state = self.ada.state() if is_signed_in else None
        context = self.browser.new_context(
            viewport=DESKTOP, color_scheme=scheme, storage_state=state
        )
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.goto(f"{self.site.url}/{'dashboard' if is_signed_in else 'sign-in'}")
        yield page
        context.close()

    def shoot(self, page: Page, name: str) -> None:
        page.evaluate("document.fonts.ready")
        path = self.folder / f"site-{name}.png"
        page.screenshot(path=path, animations="disabled", caret="hide")
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            raise ValueError(f"expected at most {LARGEST_BYTES} bytes, found {size} in {path}")


def main(folder: Path) -> None:
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    wire = ResponsesServer(answer)
    wire.start()
    with served_site(wire.base_url) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        studio = Studio(site, browser, sign_up(site, "Ada"), folder)
        with studio.page(is_signed_in=False) as page:
            studio.shoot(page, "sign-in")
        shoot_chat(studio)
        shoot_failure(studio)
        shoot_running(studio)
        shoot_approval(studio)
        shoot_tasks(studio)
        browser.close()
    wire.stop()


def shoot_chat(studio: Studio) -> None:
    with studio.page() as page:
        open_chat(page)
        say(page, "Add buy milk, call mum and book the dentist")
        say(page, "Mark buy milk as done")
        expect(header_badge(page, "success").last).to_contain_text("complete_task")
        studio.shoot(page, "success")
        page.set_viewport_size(PHONE)
        expect(composer(page)).to_be_in_viewport(ratio=1)
        studio.shoot(page, "phone")


def shoot_failure(studio: Studio) -> None:
    with studio.page() as page:
        open_chat(page)
        say(page, LOST)
        expect(badge(page).locator(".cross")).to_be_visible()
        studio.shoot(page, "failure")


def shoot_running(studio: Studio) -> None:
    with studio.page("dark") as page:
        open_chat(page)
        say(page, "Add water the plants")
        with held_tasks(studio.site):
            send(page, "What is on my list?")
            expect(header_badge(page, "running")).to_be_visible()
            expect(badge(page).locator(".spinner")).to_be_visible()
            studio.shoot(page, "running")
        finished(page)


def shoot_approval(studio: Studio) -> None:
    with studio.page("dark") as page:
        open_chat(page)
        say(page, "Delete call mum")
        expect(card(page)).to_contain_text("call mum")
        studio.shoot(page, "approval")
        page.get_by_role("button", name="Deny").click()
        finished(page)


def shoot_tasks(studio: Studio) -> None:
    schemes: tuple[Scheme, ...] = ("light", "dark")
    for scheme in schemes:
        with studio.page(scheme) as page:
            expect(page.get_by_role("listitem").filter(has_text="call mum")).to_be_visible()
            studio.shoot(page, scheme)


def say(page: Page, text: str) -> None:
    send(page, text)
    expect(page.get_by_text(text, exact=True)).to_be_visible()
    finished(page)


def finished(page: Page) -> None:
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)


def card(page: Page) -> Locator:
    return page.locator(".widget-card")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
