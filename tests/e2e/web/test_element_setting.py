"""Another script may define the chat element, by settings alone: here a stand-in."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from playwright.sync_api import Browser, expect

from runtime.embedded import locate
from tests.e2e.serving.server import environment
from tests.e2e.web.people import Person
from tests.e2e.web.site import ROOT, Site
from tests.e2e.web.steps import open_page
from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]

DOMAIN_KEY = "domain_pk_test"
START_SECONDS = 60.0
STOP_SECONDS = 15.0
#: A classic script without CORS headers, as a CDN serves it.
ELEMENT = b"""
    customElements.define('openai-chatkit', class extends HTMLElement {
        setOptions({ api, theme }) {
            this.textContent = `${api.url} ${api.domainKey} ${theme.colorScheme}`;
            this.dispatchEvent(new CustomEvent('chatkit.ready'));
        }
    });
"""


class _Cdn(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript")
        self.end_headers()
        self.wfile.write(ELEMENT)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def cdn() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Cdn)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def another_server(site: Site, **settings: str) -> Iterator[str]:
    """The site's build once more, on the same accounts and API; answers where it is."""
    port = free_port()
    given = {
        "BETTER_AUTH_URL": site.url,
        "BETTER_AUTH_SECRET": (site.data_dir / "web.secret").read_text(),
        "DATABASE_URL": locate(site.data_dir),
        "VERBATIM_API_URL": site.api_url,
        "NEXT_TELEMETRY_DISABLED": "1",
        **settings,
    }
    node = shutil.which("node") or str(ROOT / ".node" / "bin" / "node")
    command = [node, "node_modules/next/dist/bin/next", "start", "-p", str(port)]
    process = subprocess.Popen(
        command, cwd=ROOT / "web", env=environment(given), stdout=subprocess.DEVNULL
    )
    url = f"http://localhost:{port}"
    try:
        wait_for(f"{url}/sign-in")
        yield url
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def wait_for(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            httpx.get(url).raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def policy_of(url: str) -> dict[str, list[str]]:
    policy = httpx.get(f"{url}/sign-in").headers["content-security-policy"]
    return {name: sources for name, *sources in (part.split() for part in policy.split("; "))}


def test_another_element_is_loaded_and_allowed_by_one_setting(
    site: Site, browser: Browser, ada_person: Person, cdn: str
) -> None:
    settings = {"CHATKIT_ELEMENT_URL": f"{cdn}/chatkit.js", "CHATKIT_DOMAIN_KEY": DOMAIN_KEY}
    with another_server(site, **settings) as url:
        policy = policy_of(url)
        assert cdn in policy["script-src"]
        assert cdn in policy["connect-src"]
        assert policy["frame-src"] == [cdn]
        assert "unsafe" not in str(policy)
        page = open_page(browser, storage_state=ada_person.state())
        page.goto(f"{url}/dashboard/chat")
        told = f"/api/chatkit {DOMAIN_KEY} light"
        expect(page.locator("openai-chatkit").get_by_text(told)).to_be_visible()
        expect(page.get_by_text("Loading the chat")).to_have_count(0)
        page.context.close()


def test_our_own_element_needs_nobody_elsewhere(site: Site) -> None:
    policy = policy_of(site.url)
    assert policy["connect-src"] == ["'self'"]
    assert policy["frame-src"] == ["'none'"]


def test_chat_that_cannot_be_loaded_says_so(
    site: Site, browser: Browser, ada_person: Person
) -> None:
    page = open_page(browser, storage_state=ada_person.state())
    page.route("**/chatkit.js", lambda route: route.abort())
    page.goto(f"{site.url}/dashboard/chat")
    expect(page.get_by_role("alert").filter(has_text="cannot be loaded")).to_be_visible()
    page.unroute("**/chatkit.js")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("openai-chatkit textarea")).to_be_visible()
    page.context.close()
