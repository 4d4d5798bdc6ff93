from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from .backend import Backend, create_app

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
]
PATIENCE_SECONDS = 5
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
REPORT_VIOLATIONS = """
    addEventListener('securitypolicyviolation', (event) =>
        reportViolation(`${event.violatedDirective}: ${event.blockedURI || event.sample}`));
"""
HERE = Path(__file__).parent

OpenPage = Callable[..., Page]

expect.set_options(timeout=PATIENCE_SECONDS * 1000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def backend(served: tuple[Backend, str]) -> Iterator[Backend]:
    backend, _ = served
    yield backend
    backend.reset()


@pytest.fixture
def server(served: tuple[Backend, str]) -> str:
    """The address of the backend."""
    return served[1]


@pytest.fixture(scope="package")
def served() -> Iterator[tuple[Backend, str]]:
    """A backend and its address, served by a thread of its own."""
    backend = Backend()
    config = uvicorn.Config(
        create_app(backend),
        port=0,
        log_level="critical",
        ws="none",
        lifespan="off",
        loop="asyncio",
        timeout_graceful_shutdown=0,
    )
    server = uvicorn.Server(config)

    async def serve() -> None:
        backend.loop = asyncio.get_running_loop()
        await server.serve()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.005)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    yield backend, f"http://{host}:{port}"
    server.should_exit = True
    thread.join(PATIENCE_SECONDS)


@pytest.fixture(scope="package")
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=DESKTOP, color_scheme="light", reduced_motion="reduce")
    context.add_init_script(REPORT_VIOLATIONS)
    yield context
    context.close()


@pytest.fixture(scope="package")
def violations(context: BrowserContext) -> list[str]:
    """What the content security policy has refused."""
    violations: list[str] = []
    context.expose_binding("reportViolation", lambda _, text: violations.append(text))
    return violations


@pytest.fixture(scope="package")
def tab(context: BrowserContext) -> Page:
    """One tab for all tests, because opening one takes longer than most of them."""
    return context.new_page()


@pytest.fixture
def open_page(
    tab: Page, backend: Backend, server: str, violations: list[str]
) -> Iterator[OpenPage]:
    """Open an address of the backend. An uncaught error or a refusal by its policy is a failure."""
    errors: list[str] = []

    def note_error(error: Error) -> None:
        errors.append(str(error))

    def open_page(path: str = "/") -> Page:
        tab.goto(server + path)
        return tab

    tab.on("pageerror", note_error)
    yield open_page
    tab.remove_listener("pageerror", note_error)
    restore(tab)
    assert errors == []
    assert violations == []


def restore(tab: Page) -> None:
    tab.evaluate("localStorage.clear()")
    tab.goto("about:blank")
    tab.unroute_all()
    tab.set_viewport_size(DESKTOP)
    tab.emulate_media(color_scheme="light", reduced_motion="reduce")


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page()


@pytest.fixture
def bare(open_page: OpenPage) -> Page:
    """An empty page that knows the element."""
    page = open_page("/bare")
    page.evaluate("import('/chatkit.js')")
    return page
