"""Accounts of the login service, made without a browser."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

import httpx
from playwright.sync_api import StorageState

from tests.e2e.web.site import Site

PASSWORD = "correct horse battery"
#: The login service takes three sign-ups in ten seconds from one address.
PATIENCE_SECONDS = 30.0
WAIT_SECONDS = 1.0


@dataclass(frozen=True)
class Person:
    user_id: str
    email: str
    cookies: dict[str, str]

    def state(self) -> StorageState:
        """The browser's storage of somebody who has signed in."""
        kept = [
            {
                "name": name,
                "value": value,
                "domain": "localhost",
                "path": "/",
                "expires": -1,
                "httpOnly": True,
                "secure": False,
                "sameSite": "Lax",
            }
            for name, value in self.cookies.items()
        ]
        return {"cookies": kept, "origins": []}  # type: ignore[typeddict-item]

    def client(self, site: Site) -> httpx.Client:
        """As the browser's requests from the site's own pages."""
        return httpx.Client(
            base_url=site.url, cookies=self.cookies, headers={"Origin": site.url}, timeout=60
        )


def sign_up(site: Site, name: str) -> Person:
    email = f"{uuid.uuid4()}@example.org"
    body = {"name": name, "email": email, "password": PASSWORD}
    answer = _patiently(site, "/api/auth/sign-up/email", body)
    return Person(answer.json()["user"]["id"], email, dict(answer.cookies))


def sign_in(site: Site, email: str) -> Person:
    """Another session of a known account."""
    answer = _patiently(site, "/api/auth/sign-in/email", {"email": email, "password": PASSWORD})
    return Person(answer.json()["user"]["id"], email, dict(answer.cookies))


def _patiently(site: Site, path: str, body: dict[str, str]) -> httpx.Response:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = httpx.post(
            f"{site.url}{path}", json=body, headers={"Origin": site.url}, timeout=60
        )
        if answer.status_code != 429 or time.monotonic() > deadline:
            return answer.raise_for_status()
        time.sleep(WAIT_SECONDS)
