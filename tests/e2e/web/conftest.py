"""One site, one browser and two accounts for everything in this folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.page.conftest import CHROMIUM_FLAGS
from tests.e2e.web.model import answer
from tests.e2e.web.people import Person, sign_up
from tests.e2e.web.site import Site, served_site
from tests.e2e.web.steps import open_page
from tests.wire import ResponsesServer


@pytest.fixture(scope="package")
def wire() -> Iterator[ResponsesServer]:
    """The host of the site's model."""
    wire = ResponsesServer(answer)
    wire.start()
    yield wire
    wire.stop()


@pytest.fixture(scope="package")
def site(wire: ResponsesServer) -> Iterator[Site]:
    with served_site(wire.base_url) as site:
        yield site


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def ada_person(site: Site) -> Person:
    """One account for most tests: the login service counts sign-ups."""
    return sign_up(site, "Ada")


@pytest.fixture(scope="package")
def eve_person(site: Site) -> Person:
    return sign_up(site, "Eve")


@pytest.fixture
def ada(site: Site, browser: Browser, ada_person: Person) -> Iterator[Page]:
    """Ada's task list, in a browser of her own."""
    yield from _page_of(ada_person, site, browser)


@pytest.fixture
def eve(site: Site, browser: Browser, eve_person: Person) -> Iterator[Page]:
    yield from _page_of(eve_person, site, browser)


def _page_of(person: Person, site: Site, browser: Browser) -> Iterator[Page]:
    page = open_page(browser, storage_state=person.state(site))
    page.goto(f"{site.url}/dashboard")
    yield page
    page.context.close()
