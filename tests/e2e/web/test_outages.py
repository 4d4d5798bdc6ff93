"""What a person sees while the API is away, silent or new, and how a reply gets over it."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.page.steps import replies, send
from tests.e2e.serving.server import environment
from tests.e2e.web.model import COUNTING
from tests.e2e.web.pair import Pair, next_start, served_pair, started, stop
from tests.e2e.web.people import Person, sign_up
from tests.e2e.web.site import Site
from tests.e2e.web.steps import open_chat, open_page
from tests.e2e.web.tokens import mint
from tests.ports import free_port
from tests.soak.cluster import SECRET
from tests.wire import ResponsesServer

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(600)]

AWAY = "The assistant cannot be reached now"
#: Below the pauses of a model that counts slowly, so that only a stopped server is silent as long.
SILENCE_SECONDS = 1.5
LONGEST_RETRY_SECONDS = 30.0


@pytest.fixture(scope="module")
def pair(site: Site, wire: ResponsesServer) -> Iterator[Pair]:
    with served_pair(site, wire.base_url) as pair:
        yield pair


@pytest.fixture(scope="module")
def person(pair: Pair) -> Person:
    return sign_up(pair.site, "Ada")


@pytest.fixture
def page(pair: Pair, person: Person, browser: Browser) -> Iterator[Page]:
    pair.start_api()
    page = open_page(browser, storage_state=person.state())
    page.goto(f"{pair.site.url}/dashboard")
    yield page
    page.context.close()


def test_reply_and_list_go_on_when_the_api_is_started_again(
    pair: Pair, page: Page, wire: ResponsesServer
) -> None:
    listed = page.context.new_page()
    listed.goto(f"{pair.site.url}/dashboard")
    expect(listed.get_by_text("Nothing to do yet.")).to_be_visible()
    open_chat(page)
    # A machine may be slow to start a server: the page must not have given up by then.
    set_timing(page, "longestRetry", LONGEST_RETRY_SECONDS)
    wire.gate.hold(before_chunk=8, user="count to restart")
    send(page, "count to restart")
    expect(replies(page)).to_contain_text("word5")
    pair.stop("api")
    expect(page.get_by_text("Reconnecting")).to_be_visible()
    expect(replies(page)).to_contain_text("word5")
    pair.start_api()
    page.evaluate("void setInterval(() => dispatchEvent(new Event('online')), 500)")
    wire.gate.release()
    expect(replies(page)).to_have_text(COUNTING)
    expect(replies(page)).to_have_count(1)
    send(page, "add water the plants")
    expect(listed.get_by_role("listitem").filter(has_text="water the plants")).to_be_visible()


def test_reply_goes_on_after_a_silence_that_nobody_announced(pair: Pair, page: Page) -> None:
    open_chat(page)
    set_timing(page, "silence", SILENCE_SECONDS)
    send(page, "count slowly")
    expect(replies(page)).to_contain_text("word3")
    pair.signal_api(signal.SIGSTOP)
    expect(page.get_by_text("Reconnecting")).to_be_visible()
    pair.signal_api(signal.SIGCONT)
    expect(replies(page)).to_have_text(COUNTING)
    expect(replies(page)).to_have_count(1)


def test_pages_say_that_the_api_is_away(pair: Pair, page: Page, person: Person) -> None:
    open_chat(page)
    pair.stop("api")
    send(page, "hello")
    expect(page.get_by_text(AWAY).first).to_be_visible()
    page.goto(f"{pair.site.url}/dashboard/chat")
    expect(page.get_by_role("alert").filter(has_text="cannot be loaded now")).to_be_visible()
    page.goto(f"{pair.site.url}/dashboard")
    expect(page.get_by_text("The tasks cannot be loaded now")).to_be_visible()
    with person.client(pair.site) as client:
        listed = {"type": "threads.list", "params": {}}
        answers = [
            client.get("/api/tasks"),
            client.get("/api/tasks/stream"),
            client.get("/chatkit.js"),
            client.post("/api/chatkit", json=listed),
        ]
    for answer in answers:
        assert (answer.status_code, answer.json()["status"]) == (503, 503), answer.url
        assert AWAY in answer.json()["detail"]
        assert_silent(answer, str(pair.site.api_port))


def test_site_outlives_the_loss_of_its_database_connections(pair: Pair, person: Person) -> None:
    with person.client(pair.site) as client:
        assert client.get("/dashboard").status_code == 200
        with psycopg.connect(pair.database_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert client.get("/dashboard").status_code == 200


def test_pages_say_that_the_database_is_away(pair: Pair, person: Person, browser: Browser) -> None:
    """Which is where the login service keeps its sessions."""
    port, nobody = free_port(), free_port()
    url = f"http://localhost:{port}"
    settings = {
        "DATABASE_URL": f"postgresql://somebody:p4ssw0rd@127.0.0.1:{nobody}/secret_name",
        "BETTER_AUTH_URL": url,
        "BETTER_AUTH_SECRET": SECRET,
        "VERBATIM_API_URL": pair.site.api_url,
    }
    with tempfile.TemporaryFile() as log:
        process = started(next_start(url), environment(settings), log, f"{url}/sign-in")
        try:
            page = open_page(browser, storage_state=person.state())
            page.goto(f"{url}/dashboard")
            expect(page.get_by_role("heading", name="cannot be shown now")).to_be_visible()
            expect(page.get_by_role("button", name="Try again")).to_be_visible()
            assert "p4ssw0rd" not in page.content()
            page.goto(f"{url}/sign-in")
            page.get_by_label("E-mail").fill(person.email)
            page.get_by_label("Password").fill("does not matter")
            page.get_by_role("button", name="Sign in").click()
            expect(page.get_by_role("alert").filter(has_text="did not work")).to_be_visible()
            page.context.close()
            headers = {"Origin": url}
            with httpx.Client(base_url=url, cookies=person.cookies, headers=headers) as client:
                answers = [client.get(path) for path in ("/api/tasks", "/dashboard")]
                answers.append(client.get("/api/auth/get-session"))
                answers.append(client.get("/api/auth/jwks"))
        finally:
            stop(process)
    assert [answer.status_code for answer in answers] == [503, 500, 500, 500]
    for answer in answers:
        assert_silent(answer, str(nobody), "p4ssw0rd", "somebody", "secret_name")


def test_token_is_not_called_bad_while_nobody_can_tell(pair: Pair, person: Person) -> None:
    """The API has just started, and the login service whose keys it needs is away."""
    token = mint(pair.site, person, pair.database_url, SECRET).good
    pair.stop("site")
    pair.stop("api")
    pair.start_api()
    for path in ("/api/session", f"/api/{person.user_id}/tasks/stream"):
        answer = httpx.get(
            f"{pair.site.api_url}{path}", headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 503
        assert "keys cannot be fetched" in answer.json()["detail"]
        assert int(answer.headers["retry-after"]) > 0
        assert_silent(answer, str(pair.site.url))


def set_timing(page: Page, name: str, seconds: float) -> None:
    page.evaluate(
        f"import('/chatkit.js').then(({{ timings }}) => {{ timings.{name} = {seconds} }})"
    )


def assert_silent(answer: httpx.Response, *secrets: str) -> None:
    told = f"{answer.headers} {answer.text}"
    for secret in (*secrets, "127.0.0.1", "ECONNREFUSED"):
        assert secret not in told, answer.url
