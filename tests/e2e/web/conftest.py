"""One site, one browser and two accounts for everything in this folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.page.conftest import CHROMIUM_FLAGS, REPORT_VIOLATIONS
from tests.e2e.web.model import answer
from tests.e2e.web.people import Person, sign_up
from tests.e2e.web.reading import Line, read_reply
from tests.e2e.web.site import Site, served_site
from tests.e2e.web.steps import open_page
from tests.wire import ResponsesServer

OpenPage = Callable[[Person], Page]


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


@pytest.fixture(scope="package", autouse=True)
def silence(
    request: pytest.FixtureRequest, site: Site, ada_person: Person
) -> Iterator[Future[list[Line]] | None]:
    """A reply that is silent for longer than proxies wait, read while other tests run."""
    if not any("silence_is_survived" in item.name for item in request.session.items):
        yield None
        return
    with ThreadPoolExecutor() as pool:
        yield pool.submit(read_reply, site, ada_person, "be silent")


@pytest.fixture
def browser_of(site: Site, browser: Browser) -> Iterator[OpenPage]:
    """Opens somebody's task list in a browser of their own; a script that the policy refuses, or
    that fails, is a failure."""
    pages: list[Page] = []
    faults: list[str] = []

    def open_for(person: Person) -> Page:
        page = open_page(browser, storage_state=person.state())
        pages.append(page)
        page.context.add_init_script(REPORT_VIOLATIONS)
        page.context.expose_binding("reportViolation", lambda _, text: faults.append(text))
        page.context.on("weberror", lambda error: faults.append(str(error.error)))
        page.goto(f"{site.url}/dashboard")
        return page

    yield open_for
    for page in pages:
        page.context.close()
    assert faults == []


@pytest.fixture
def ada(browser_of: OpenPage, ada_person: Person) -> Page:
    return browser_of(ada_person)


@pytest.fixture
def eve(browser_of: OpenPage, eve_person: Person) -> Page:
    return browser_of(eve_person)
