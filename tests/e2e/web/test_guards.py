"""What the site does with any request, whatever it asks for: policy, origin, size, silence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect

from runtime.embedded import locate
from tests.e2e.page.steps import replies, send
from tests.e2e.serving.server import environment
from tests.e2e.web.conftest import OpenPage
from tests.e2e.web.model import COUNTING
from tests.e2e.web.pair import next_start, started, stop
from tests.e2e.web.people import PASSWORD, Person, sign_in
from tests.e2e.web.site import ROOT, Site
from tests.e2e.web.steps import open_chat
from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(600)]

APP = ROOT / "web" / "app"
#: The one route without proxy.ts; it only knows GET.
ELEMENT = "/chatkit.js"
MIB = 1024 * 1024
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
#: Nothing stands there, and some of it looks like what proxy.ts does not look at.
NOWHERE = (
    "/nowhere",
    "/chatkit.jsx",
    "/chatkit.js/x",
    "/favicon.svgx",
    "/_next/staticx",
    "/_next/imagex",
    "/dashboard/chat/a/b",
    "/dashboard/chat/nonsense",
    "/%61pi/chatkit",
)
LOGIN = ("sign-in/email", "sign-up/email", "sign-out", "update-user", "revoke-sessions", "nope")
INLINE = re.compile(r"<script(?![^>]*\ssrc=)([^>]*)>", re.I)
HANDLER = re.compile(r"<[a-z][^>]*\son[a-z]+\s*=|javascript:", re.I)


def pages() -> Iterator[str]:
    for file in sorted(APP.rglob("page.tsx")):
        path = f"/{file.parent.relative_to(APP)}".removesuffix("/.").replace("/.", "/")
        yield re.sub(r"/\[\[.*", "", path)


def routes() -> Iterator[str]:
    for file in sorted(APP.rglob("route.ts")):
        path = f"/{file.parent.relative_to(APP)}"
        if "[..." in path and "auth" in path:
            yield from (f"/api/auth/{name}" for name in LOGIN)
        else:
            yield re.sub(r"/\[\[.*", "", path)


def test_every_page_has_a_policy_and_no_script_of_its_own(site: Site, ada_person: Person) -> None:
    found = [*pages(), *NOWHERE, f"/dashboard/chat/{uuid4()}"]
    assert len(list(pages())) >= len(list(APP.rglob("page.tsx")))
    with ada_person.client(site) as ada, httpx.Client(base_url=site.url) as stranger:
        for client in (ada, stranger):
            for path in found:
                answer = client.get(path)
                if answer.status_code != 307:
                    assert_guarded(answer, path)
                else:
                    assert answer.headers["location"].startswith(("/sign-in", "/dash"))


def assert_guarded(answer: httpx.Response, path: str) -> None:
    policy = answer.headers.get("content-security-policy", "")
    directives = dict(part.partition(" ")[::2] for part in policy.split("; "))
    nonce = re.fullmatch(r"'self' '(nonce-[\w+/=]+)'", directives.get("script-src", ""))
    assert nonce, path
    assert "unsafe" not in policy, path
    assert directives["default-src"] == "'self'"
    assert directives["object-src"] == directives["base-uri"] == "'none'"
    assert directives["frame-ancestors"] == "'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    for attributes in INLINE.findall(answer.text):
        assert nonce[1].replace("nonce-", 'nonce="') in attributes, (path, attributes)
    assert not HANDLER.search(answer.text), path


@pytest.mark.parametrize("path", ["/", "/docs", "/signin", "/nowhere", "/chatkit.js"])
def test_pages_of_the_api_have_a_policy_and_no_script_of_their_own(site: Site, path: str) -> None:
    answer = httpx.get(f"{site.api_url}{path}")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy
    if answer.headers["content-type"].startswith("text/html"):
        assert not INLINE.search(answer.text)
        assert not HANDLER.search(answer.text)


def test_browser_runs_no_script_but_ours(site: Site, ada: Page) -> None:
    """And refuses nothing of ours: the fixture that opens pages looks at that."""
    open_chat(ada)
    send(ada, "count to twenty")
    expect(replies(ada).last).to_have_text(COUNTING)
    for path in ("/sign-in", "/sign-up", "/nowhere", "/dashboard"):
        ada.goto(f"{site.url}{path}")
    stranger = ada.context.browser.new_context().new_page()  # type: ignore[union-attr]
    stranger.goto(f"{site.url}/sign-in")
    stranger.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = 'window.hasRun = true';
            document.body.append(script);
            const button = document.createElement('button');
            button.setAttribute('onclick', 'window.hasRun = true');
            document.body.append(button);
            button.click();
            setTimeout(() => {
                try { eval('window.hasRun = true') } catch { window.isOver = true }
            });
        }"""
    )
    stranger.wait_for_function("window.isOver")
    assert stranger.evaluate("window.hasRun") is None
    stranger.context.close()


def test_requests_of_other_pages_change_nothing(site: Site, ada_person: Person) -> None:
    foreign: list[str | None] = [
        None,
        "null",
        "https://evil.example",
        f"{site.url}.evil.example",
        site.url.replace("http:", "https:"),
        site.api_url,
    ]
    paths = [*routes(), *pages()]
    assert len(paths) >= len(LOGIN) + len(list(APP.rglob("page.tsx")))
    with httpx.Client(base_url=site.url, cookies=ada_person.cookies, timeout=60) as ada:
        for path in paths:
            for method in UNSAFE:
                for origin in foreign:
                    headers = {"Origin": origin} if origin else {}
                    answer = ada.request(method, path, json={}, headers=headers)
                    if path == ELEMENT:
                        assert answer.status_code == 405
                    else:
                        assert answer.status_code == 403, (method, path, origin)
                        assert "own pages" in answer.json()["detail"]
        assert ada.get("/api/tasks").status_code == 200
        own = ada.post("/api/auth/update-user", json={}, headers={"Origin": site.url})
        assert own.status_code != 403


def test_body_that_is_too_large_is_refused_in_words(site: Site, ada_person: Person) -> None:
    text = b'{"type":"' + b"x" * 2 * MIB + b'"}'
    file = f"/api/chatkit/attachments/{uuid4()}"
    asked = [
        ("POST", "/api/chatkit", text, 413),
        ("POST", "/api/auth/sign-in/email", text, 413),
        ("PUT", file, b"x" * 31 * MIB, 413),
        ("POST", "/api/chatkit", iter([text]), 411),
        ("POST", "/api/auth/sign-in/email", iter([text]), 411),
    ]
    with ada_person.client(site) as ada:
        for method, path, content, status in asked:
            answer = ada.request(method, path, content=content)
            assert answer.status_code == status, (method, path)
            assert re.search("larger than|tell its length", answer.json()["detail"])
        # What curl sends with a body of this size.
        headers = {"Expect": "100-continue"}
        within = ada.post("/api/chatkit", content=b'{"type":' + b" " * (MIB // 2), headers=headers)
        assert within.status_code == 422


def test_cookies_are_out_of_reach_for_scripts_and_other_sites(
    site: Site, ada_person: Person, ada: Page
) -> None:
    open_chat(ada)
    send(ada, "count to twenty")
    expect(replies(ada).last).to_have_text(COUNTING)
    cookies = {cookie["name"]: cookie for cookie in ada.context.cookies()}
    assert "Verbatim-Position" in cookies
    assert "better-auth.session_token" in cookies
    for name, cookie in cookies.items():
        assert cookie["httpOnly"], name
        assert cookie["sameSite"] in ("Lax", "Strict"), name
    assert ada.evaluate("document.cookie") == ""
    with ada_person.client(site) as client:
        client.cookies.set("Verbatim-Position", "a%0ab")
        assert client.get("/api/tasks").status_code == 200


def test_cookies_of_a_site_under_https_are_for_https_alone(
    site: Site, ada_person: Person, tmp_path: Path
) -> None:
    port = free_port()
    settings = {
        "DATABASE_URL": locate(site.data_dir),
        "BETTER_AUTH_URL": f"https://localhost:{port}",
        "BETTER_AUTH_SECRET": site.secret,
    }
    url = f"http://localhost:{port}"
    with (tmp_path / "log").open("wb") as log:
        process = started(next_start(url), environment(settings), log, f"{url}/sign-in")
        try:
            answer = httpx.post(
                f"{url}/api/auth/sign-in/email",
                json={"email": ada_person.email, "password": PASSWORD},
                headers={"Origin": settings["BETTER_AUTH_URL"]},
                timeout=60,
            ).raise_for_status()
        finally:
            stop(process)
    cookies = answer.headers.get_list("set-cookie")
    assert cookies
    for cookie in cookies:
        assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; ")), cookie


def test_no_answer_tells_where_the_api_is(site: Site, ada_person: Person) -> None:
    announced = {
        "type": "attachments.create",
        "params": {"name": "a.png", "size": 9, "mime_type": "image/png"},
    }
    with ada_person.client(site) as ada:
        answers = [ada.get(path) for path in (*pages(), *routes(), *NOWHERE)]
        answers += [ada.get("/api/tasks/none"), ada.get("/api/chatkit/nope"), ada.get("/api/nope")]
        answers += [ada.post("/api/chatkit", json=body) for body in (announced, {})]
    assert answers[-2].json()["preview_url"].startswith(f"{site.url}/api/chatkit/attachments/")
    for answer in answers:
        assert not tells(answer, site), answer.url


def tells(answer: httpx.Response, site: Site) -> bool:
    """Whether it names what only servers of ours should know."""
    told = f"{answer.headers} {answer.text}"
    secrets = (str(site.api_port), str(site.data_dir), str(Path.home()), "127.0.0.1", "postgres")
    return any(secret in told for secret in secrets)


def test_signing_out_ends_everything(site: Site, browser_of: OpenPage, ada_person: Person) -> None:
    person = sign_in(site, ada_person.email)
    page = browser_of(person)
    open_chat(page)
    send(page, "count to twenty")
    expect(replies(page).last).to_have_text(COUNTING)
    other = page.context.new_page()
    other.goto(f"{site.url}/dashboard")
    expect(other.get_by_role("heading", name="Your tasks")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    for tab in (page, other):
        expect(tab.get_by_role("heading", name="Welcome back")).to_be_visible()
        expect(tab.get_by_role("button", name="Sign out")).to_have_count(0)
    page.go_back()
    expect(page).to_have_url(re.compile("/sign-in"))
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert "Sign out" not in page.content()
    with person.client(site) as replayed:
        assert replayed.get("/api/tasks").status_code == 401
        assert replayed.get("/api/auth/get-session").json() is None
        assert replayed.get("/dashboard").status_code == 307
    with ada_person.client(site) as still:
        assert still.get("/api/tasks").status_code == 200
