from __future__ import annotations

import pytest

from auth.errors import Forbidden
from auth.local import check_host, check_origin, is_forwarded

ALLOWED = ["chat.example.com", "box.lan:8000", "https://app.example.com"]


@pytest.mark.parametrize(
    "name",
    [
        "Forwarded",
        "X-Forwarded-For",
        "x-forwarded-proto",
        "X-FORWARDED-ANYTHING",
        "X-Real-IP",
        "Via",
        "True-Client-IP",
        "CF-Connecting-IP",
        "X-Original-Host",
        "Tailscale-User-Login",
    ],
)
def test_proxy_header_is_recognised(name: str) -> None:
    assert is_forwarded({"host": "localhost", name: "anything"})


def test_direct_request_is_not_forwarded() -> None:
    headers = ["host", "accept", "user-agent", "cookie", "origin", "x-requested-with", "referer"]
    assert not is_forwarded(headers)
    assert not is_forwarded([])


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8000",
        "LocalHost:1",
        "localhost.:8000",
        "127.0.0.1:8000",
        "127.8.8.8",
        "[::1]",
        "[::1]:8000",
        "chat.example.com",
        "CHAT.example.com.",
        "box.lan:8000",
        "app.example.com",
    ],
)
def test_host_loopback_or_allowed_passes(host: str) -> None:
    check_host(host, ALLOWED)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil-localhost",
        "chat.example.com:8000",
        "box.lan",
        "box.lan:8001",
        "box.lan:80000000",
        "0.0.0.0",
        "10.0.0.1",
        "[::]",
        "[fe80::1]",
        "[::1",
        "localhost@evil.example",
        "evil.example#localhost",
        "localhost/",
        "localhost:80:80",
        "localhost:",
        "localhost:x",
        "localhost\n",
        "localhost, evil.example",
        "..",
    ],
)
def test_host_foreign_or_malformed_is_forbidden(host: str | None) -> None:
    with pytest.raises(Forbidden):
        check_host(host, ALLOWED)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "localhost:8000"),
        (None, None),
        ("http://localhost:8000", "localhost:8000"),
        ("http://LOCALHOST:8000", "localhost:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("http://localhost", "localhost"),
        ("http://localhost", "localhost:80"),
        ("http://localhost:80", "localhost"),
        ("https://chat.example.com", "chat.example.com"),
        ("https://chat.example.com", "localhost:8000"),
        ("http://chat.example.com", "localhost:8000"),
        ("http://box.lan:8000", "localhost:8000"),
        ("https://app.example.com", "localhost:8000"),
        ("https://app.example.com:443", "localhost:8000"),
    ],
)
def test_origin_same_or_allowed_passes(origin: str | None, host: str | None) -> None:
    check_origin(origin, host, ALLOWED)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("null", "localhost:8000"),
        ("", "localhost:8000"),
        ("http://localhost:3000", "localhost:8000"),
        ("http://127.0.0.1:8000", "localhost:8000"),
        ("https://localhost", "localhost:80"),
        ("http://localhost", "localhost:443"),
        ("http://evil.example", "localhost:8000"),
        ("http://localhost:8000.evil.example", "localhost:8000"),
        ("http://localhost:8000@evil.example", "localhost:8000"),
        ("http://box.lan", "localhost:8000"),
        ("http://app.example.com", "localhost:8000"),
        ("https://app.example.com:8443", "localhost:8000"),
        ("https://evil-app.example.com", "localhost:8000"),
        ("file://localhost", "localhost"),
        ("chrome-extension://abc", "abc"),
        ("localhost:8000", "localhost:8000"),
        ("http://localhost:8000/", "localhost:8000"),
        ("http://localhost:8000", None),
        ("http://localhost:8000", "bad host"),
    ],
)
def test_origin_foreign_or_malformed_is_forbidden(origin: str, host: str | None) -> None:
    with pytest.raises(Forbidden):
        check_origin(origin, host, ALLOWED)


def test_malformed_entry_in_the_allowed_hosts_allows_nothing() -> None:
    with pytest.raises(Forbidden):
        check_host("evil.example", ["", "*", "ftp://evil.example", "https://"])
    with pytest.raises(Forbidden):
        check_origin("https://evil.example", "localhost", ["", "*", "ftp://evil.example"])
