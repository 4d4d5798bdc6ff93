"""Whom the API believes, through the whole stack: the login service's keys, the site, the API."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.web.belongings import FOREIGN, Belongings, belongings_of, message, routes
from tests.e2e.web.people import Person
from tests.e2e.web.site import Site
from tests.e2e.web.tokens import Minted, mint
from tests.integration.api.chatkit_wire import OF_THREAD

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PROBLEM = "application/problem+json"
#: How many kinds of bad token there are at least, and of routes that ask for credentials.
MANY_TOKENS = 15
MANY_ROUTES = 20


@pytest.fixture(scope="module")
def minted(site: Site, ada_person: Person) -> Minted:
    return mint(site, ada_person)


@pytest.fixture(scope="module")
def api(site: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site.api_url, timeout=60) as api:
        yield api


@pytest.fixture(scope="module")
def of_eve(site: Site, eve_person: Person) -> Belongings:
    return belongings_of(eve_person, site)


def test_token_of_the_login_service_is_good(
    api: httpx.Client, ada_person: Person, minted: Minted
) -> None:
    user = ada_person.user_id
    for path in ("/api/session", f"/api/{user}/tasks", f"/api/{user}/conversations"):
        assert api.get(path, headers=bearer(minted.good)).status_code == 200, path
    listed = {"type": "threads.list", "params": {}}
    assert api.post("/chatkit", json=listed, headers=bearer(minted.good)).status_code == 200
    session = api.get("/api/session", headers=bearer(minted.good)).json()
    assert (session["user_id"], session["mode"]) == (user, "jwks")


def test_every_other_token_is_refused_before_the_first_byte(
    api: httpx.Client, ada_person: Person, minted: Minted
) -> None:
    assert len(minted.bad) >= MANY_TOKENS
    user = ada_person.user_id
    asked = [
        ("GET", f"/api/{user}/tasks", {}),
        ("GET", f"/api/{user}/tasks/stream", {}),
        ("POST", f"/api/{user}/chat", {"json": {"message": "hello"}}),
        ("POST", "/chatkit", {"json": message("hello")}),
        ("POST", "/mcp", {"json": {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}}),
    ]
    wrong = []
    for why, token in minted.bad.items():
        for method, path, body in asked:
            answer = api.request(method, path, headers=bearer(token), **body)
            is_told = answer.headers.get("www-authenticate", "").startswith("Bearer")
            if answer.status_code != 401 or not is_problem(answer) or not is_told:
                wrong.append((why, method, path, answer.status_code))
            assert token not in answer.text
    assert wrong == []


def test_reason_of_a_refusal_is_the_right_one(api: httpx.Client, minted: Minted) -> None:
    """Else a token that is refused for another reason would hide a check that is missing."""
    reasons = {
        "alg none": "algorithm",
        "HS256 with PEM": "algorithm",
        "HS256 with BETTER_AUTH_SECRET": "algorithm",
        "cookie cache of HS256": "algorithm",
        "cookie cache of EdDSA": "audience",
        "wrong audience": "audience",
        "wrong issuer": "login service",
        "expired": "expired",
        "not yet valid": "not valid yet",
        "own key under their kid": "signature",
        "foreign kid": "does not know",
        "of nobody": "names no user",
    }
    for why, word in reasons.items():
        said = api.get("/api/session", headers=bearer(minted.bad[why])).json()["detail"]
        assert word in said, (why, said)


def test_path_of_another_user_is_403(
    api: httpx.Client, minted: Minted, eve_person: Person, of_eve: Belongings
) -> None:
    asked = [(method, path) for method, path in routes(api) if "{user_id}" in path]
    assert len(asked) >= MANY_ROUTES - len(FOREIGN)
    assert refusals(api, minted, of_eve, asked, eve_person.user_id) == []


def test_what_another_user_has_is_403_under_the_own_path_too(
    api: httpx.Client, minted: Minted, ada_person: Person, of_eve: Belongings
) -> None:
    asked = [
        (method, path)
        for method, path in routes(api)
        if any("{" + name + "}" in path for name in FOREIGN)
    ]
    assert len(asked) >= MANY_ROUTES - len(FOREIGN)
    assert refusals(api, minted, of_eve, asked, ada_person.user_id) == []
    into = {"message": "mine now", "conversation_id": of_eve.conversation_id}
    for accept in ("application/json", "text/event-stream"):
        headers = bearer(minted.good) | {"Accept": accept}
        answer = api.post(f"/api/{ada_person.user_id}/chat", json=into, headers=headers)
        assert (answer.status_code, is_problem(answer)) == (403, True)


def refusals(
    api: httpx.Client,
    minted: Minted,
    of_eve: Belongings,
    asked: list[tuple[str, str]],
    user_id: str,
) -> list[tuple[str, str, int]]:
    """What was not refused with 403."""
    wrong = []
    for method, path in asked:
        answer = api.request(
            method,
            of_eve.address(path, user_id),
            headers=bearer(minted.good),
            **of_eve.body(path),
        )
        if answer.status_code != 403 or not is_problem(answer):
            wrong.append((method, path, answer.status_code))
    return wrong


def test_site_gives_a_user_nothing_of_another_one(
    site: Site, ada_person: Person, of_eve: Belongings
) -> None:
    thread = {"thread_id": of_eve.conversation_id}
    operations = {name: thread | params for name, params in OF_THREAD.items()}
    operations["attachments.delete"] = {"attachment_id": of_eve.attachment_id}
    with ada_person.client(site) as ada:
        for operation, params in operations.items():
            answer = ada.post("/api/chatkit", json={"type": operation, "params": params})
            assert (answer.status_code, is_problem(answer)) == (403, True), operation
        attached = message("look", **thread)
        attached["params"]["input"]["attachments"] = [of_eve.attachment_id]
        new = message("look")
        new["params"]["input"]["attachments"] = [of_eve.attachment_id]
        frames = f"/api/chatkit/runs/{of_eve.run_id}"
        file = f"/api/chatkit/attachments/{of_eve.attachment_id}"
        answers = [
            ada.post("/api/chatkit", json=attached),
            ada.post("/api/chatkit", json=new),
            ada.get(f"{frames}/stream"),
            ada.get(f"{frames}/stream", headers={"Last-Event-ID": f"{of_eve.run_id}:1"}),
            ada.delete(frames),
            ada.get(file),
            ada.put(file, content=b"mine now"),
            ada.put(
                f"/api/chatkit/threads/{of_eve.conversation_id}/branch",
                json={"message_id": of_eve.message_id},
            ),
        ]
    assert [answer.status_code for answer in answers] == [403] * len(answers)


def test_owner_still_has_everything(
    site: Site, eve_person: Person, ada_person: Person, of_eve: Belongings
) -> None:
    listed = {"type": "items.list", "params": {"thread_id": of_eve.conversation_id}}
    with eve_person.client(site) as eve, ada_person.client(site) as ada:
        assert "Mine now" not in eve.post("/api/chatkit", json=listed).raise_for_status().text
        assert eve.get(f"/api/chatkit/attachments/{of_eve.attachment_id}").status_code == 200
        tasks = eve.get("/api/tasks").json()["data"]
        assert [task["title"] for task in tasks] == ["buy milk"]
        theirs = [task["id"] for task in ada.get("/api/tasks").json()["data"]]
        assert tasks[0]["id"] not in theirs


def test_site_takes_no_bearer_token_in_place_of_a_session(
    site: Site, ada_person: Person, eve_person: Person, minted: Minted
) -> None:
    with httpx.Client(base_url=site.url, headers={"Origin": site.url}, timeout=60) as stranger:
        for token in (minted.good, minted.bad["session cookie"]):
            for path in ("/api/tasks", "/api/tasks/stream"):
                assert stranger.get(path, headers=bearer(token)).status_code == 401
            answer = stranger.post("/api/chatkit", json=message("hello"), headers=bearer(token))
            assert (answer.status_code, is_problem(answer)) == (401, True)
    with eve_person.client(site) as eve:
        seen = eve.get("/api/tasks", headers=bearer(minted.good)).json()
        assert seen == eve.get("/api/tasks").json()


def test_browser_is_given_no_token_of_the_api(site: Site, ada_person: Person) -> None:
    with ada_person.client(site) as ada:
        assert ada.get("/api/auth/token").status_code == 404
        session = ada.get("/api/auth/get-session")
        assert session.json()["user"]["id"] == ada_person.user_id
        for answer in (session, ada.get("/api/tasks"), ada.get("/dashboard")):
            assert "set-auth-jwt" not in answer.headers
            assert "eyJ" not in answer.text + str(answer.headers)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def is_problem(answer: httpx.Response) -> bool:
    return answer.headers["content-type"] == PROBLEM and bool(answer.json()["detail"])
