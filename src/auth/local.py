from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from auth.errors import Forbidden

DEFAULT_PORTS = {"http": 80, "https": 443}

_PROXY_HEADERS = frozenset(
    {
        "forwarded",
        "via",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-envoy-external-address",
        "true-client-ip",
        "fastly-client-ip",
        "fly-client-ip",
        "x-azure-clientip",
        "x-amzn-trace-id",
    }
)
_PROXY_PREFIXES = ("x-forwarded-", "x-original-", "cf-", "tailscale-")
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)\.?(?::([0-9]{1,5}))?")


def is_forwarded(headers: Iterable[str]) -> bool:
    """Whether a proxy handled the request, judged by its header names."""
    names = {name.lower() for name in headers}
    return bool(names & _PROXY_HEADERS) or any(name.startswith(_PROXY_PREFIXES) for name in names)


def check_host(host: str | None, allowed: Collection[str]) -> None:
    """Refuses a Host that is neither loopback nor allowed: DNS rebinding sends a foreign name.

    `allowed` holds hosts as the browser sends them ("chat.example.com", "box.lan:8000") or
    origins ("https://chat.example.com").
    """
    authority = _parse_authority(host)
    if authority is None:
        raise Forbidden("The Host header is missing or malformed; expected a name and a port.")
    if authority.is_loopback() or any(authority == _host_of(entry) for entry in allowed):
        return
    raise Forbidden(f"The host {host!r} is not served here; use localhost or allow this host.")


def check_origin(origin: str | None, host: str | None, allowed: Collection[str]) -> None:
    """Refuses a request that a page of another origin caused.

    It compares with the Host, so `check_host` must come first. No Origin at all is accepted:
    browsers send one with every unsafe request.
    """
    if origin is None:
        return
    source, target = _parse_origin(origin), _parse_authority(host)
    if source is not None and target is not None:
        scheme, authority = source
        hosts = [target, *(_host_of(entry) for entry in allowed if _fits(entry, scheme))]
        if authority in [entry.without_default(scheme) for entry in hosts if entry]:
            return
    raise Forbidden(f"Requests from pages of {origin!r} are not accepted; allow that origin first.")


class _Authority(NamedTuple):
    name: str
    port: int | None

    def is_loopback(self) -> bool:
        try:
            return ipaddress.ip_address(self.name.strip("[]")).is_loopback
        except ValueError:
            return self.name == "localhost"

    def without_default(self, scheme: str) -> _Authority:
        return self._replace(port=None) if self.port == DEFAULT_PORTS[scheme] else self


def _parse_authority(text: str | None) -> _Authority | None:
    match = _AUTHORITY.fullmatch((text or "").lower())
    if match is None:
        return None
    return _Authority(match[1], int(match[2]) if match[2] else None)


def _parse_origin(origin: str) -> tuple[str, _Authority] | None:
    scheme, separator, rest = origin.lower().partition("://")
    authority = _parse_authority(rest)
    if not separator or scheme not in DEFAULT_PORTS or authority is None:
        return None
    return scheme, authority.without_default(scheme)


def _host_of(entry: str) -> _Authority | None:
    if "://" not in entry:
        return _parse_authority(entry)
    origin = _parse_origin(entry)
    return None if origin is None else origin[1]


def _fits(entry: str, scheme: str) -> bool:
    return "://" not in entry or entry.lower().startswith(f"{scheme}://")
