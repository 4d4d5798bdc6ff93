"""Database URLs as people paste them, and what asyncpg is to be told instead."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, unquote

from runtime.errors import InvalidDatabaseUrl

Pooler = Literal["auto", "transaction", "none"]

VERIFYING_MODES = frozenset({"verify-ca", "verify-full"})
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
#: What libpq calls the certificates of the operating system.
SYSTEM_ROOT = "system"
DEFAULT_PORT = 5432
PORTS = range(1, 65536)
#: PgBouncer's own port, and the one of Supabase's pooler in transaction mode.
POOLER_PORTS = frozenset({6432, 6543})
#: What asyncpg understands in the query part of a URL.
DRIVER_PARAMETERS = frozenset(
    "host port user password dbname database passfile service sslmode sslcert sslkey sslrootcert"
    " sslcrl sslpassword sslnegotiation ssl_min_protocol_version ssl_max_protocol_version"
    " target_session_attrs krbsrvname gsslib".split()
)
SESSION_PARAMETERS = frozenset({"application_name", "options"})
#: asyncpg has no channel binding; the others are about pools and waiting, which are ours.
SILENT_PARAMETERS = frozenset({"channel_binding", "connect_timeout", "pgbouncer", "ssl"})

# Not urlsplit: it stumbles over brackets and '#' in a password, and there is no fragment here.
_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:(?P<login>[^/?]*)@)?(?P<hosts>[^/?@]*)"
    r"(?P<path>/[^?]*)?(?:\?(?P<query>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_SCHEME = re.compile(r"postgres(ql)?(\+\w+)?", re.IGNORECASE)
_HOST = re.compile(r"(?P<name>\[[^\]]*\]|[^:]*)(?::(?P<port>.*))?")
_HINT = "(in a password, percent-encode / as %2F and ? as %3F)"
_PSQL = re.compile(r"psql\s+(?=['\"]?postgres)")


@dataclass(frozen=True)
class ConnectArguments:
    """One database as `asyncpg.connect(**arguments.keywords())` wants it."""

    #: A URL with nothing in it that asyncpg does not know.
    dsn: str = field(repr=False)
    #: Where it leads, without credentials, for messages.
    place: str
    #: Set where the URL asks for verification without naming a root certificate.
    ssl: ssl.SSLContext | None = None
    #: Whether a session may lie behind another one for each transaction.
    is_pooler: bool = False
    #: Names of parameters that were left out and may have meant something.
    ignored: tuple[str, ...] = ()
    #: Where the URL came from, for messages.
    setting: str = "DATABASE_URL"

    def keywords(self) -> dict[str, Any]:
        keywords: dict[str, Any] = {"dsn": self.dsn}
        if self.ssl is not None:
            keywords["ssl"] = self.ssl
        if self.is_pooler:
            keywords["statement_cache_size"] = 0
        return keywords


@dataclass(frozen=True)
class DatabaseUrls:
    """Where reads go, where everything else goes, and the replica if there is one."""

    primary: ConnectArguments
    direct: ConnectArguments
    replica: ConnectArguments | None = None


def database_urls(
    url: str,
    direct_url: str | None = None,
    read_url: str | None = None,
    pooler: Pooler = "auto",
) -> DatabaseUrls:
    """`pooler` is about `url` alone. Raises InvalidDatabaseUrl."""
    primary = connect_arguments(url, pooler)
    direct, replica = primary, None
    if direct_url:
        direct = connect_arguments(direct_url, setting="DATABASE_DIRECT_URL")
    elif primary.is_pooler and (derived := direct_url_of(url)):
        direct = connect_arguments(derived)
    if read_url:
        replica = connect_arguments(read_url, setting="DATABASE_READ_URL")
    return DatabaseUrls(primary, direct, replica)


def connect_arguments(
    url: str, pooler: Pooler = "auto", *, setting: str = "DATABASE_URL"
) -> ConnectArguments:
    """Raises InvalidDatabaseUrl, whose message never holds a part of the URL's login."""
    parts = _parse(url)
    is_pooler = pooler == "transaction" or (pooler == "auto" and _looks_pooled(parts))
    kept = {name: value for name, value in parts.query.items() if _is_kept(name, value, is_pooler)}
    mode = _ssl_mode(parts.query)
    if mode is not None:
        kept["sslmode"] = mode
    context = _verifying(mode, kept)
    if kept.get("sslrootcert") == SYSTEM_ROOT:
        del kept["sslrootcert"]
    return ConnectArguments(
        dsn=parts.dsn(kept),
        place=parts.place(),
        ssl=context,
        is_pooler=is_pooler,
        ignored=tuple(sorted(parts.query.keys() - kept.keys() - SILENT_PARAMETERS)),
        setting=setting,
    )


def is_transaction_pooler(url: str) -> bool:
    """Judged by the host's name, the port, and Prisma's `pgbouncer=true`."""
    return _looks_pooled(_parse(url))


def direct_url_of(url: str) -> str | None:
    """The URL past Neon's pooler; None where there is no such rule."""
    parts = _parse(url)
    label, dot, domain = parts.hosts.partition(".")
    is_neon = re.fullmatch(r"(.*\.)?neon\.tech(:\d+)?", domain, re.IGNORECASE)
    if not is_neon or not label.endswith("-pooler"):
        return None
    query = dict(parts.query)
    if "options" in query:
        query["options"] = re.sub(r"(endpoint=[\w-]+?)-pooler\b", r"\1", query["options"])
    return replace(parts, hosts=label.removesuffix("-pooler") + dot + domain).dsn(query)


@dataclass(frozen=True)
class _Parts:
    login: str
    hosts: str
    database: str
    query: Mapping[str, str]

    def dsn(self, query: Mapping[str, str]) -> str:
        asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
        login = f"{self.login}@" if self.login else ""
        return f"postgresql://{login}{self.hosts}/{self.database}" + (f"?{asked}" if asked else "")

    def place(self) -> str:
        hosts = unquote(self.hosts) or self.query.get("host") or "the local socket"
        database = unquote(self.database) or self.query.get("dbname") or ""
        return f"{hosts}/{database}" if database else hosts

    def addresses(self) -> list[tuple[str, int]]:
        """Raises InvalidDatabaseUrl where a port is none."""
        hosts = (unquote(self.hosts) or self.query.get("host", "")).split(",")
        ports = (self.query.get("port") or "").split(",")
        found = []
        for index, host in enumerate(hosts):
            match = _HOST.fullmatch(host)
            port = (match and match["port"]) or ports[min(index, len(ports) - 1)]
            found.append((match["name"] if match else host, _port(port)))
        return found


def _parse(url: str) -> _Parts:
    match = _URL.fullmatch(_unwrapped(url))
    if match is None or not _SCHEME.fullmatch(match["scheme"]):
        raise InvalidDatabaseUrl(f"expected postgresql://user:password@host:port/database {_HINT}")
    path = (match["path"] or "/")[1:]
    if "/" in path or "@" in path:
        raise InvalidDatabaseUrl(f"expected a database's name after the host {_HINT}")
    user, colon, password = (match["login"] or "").partition(":")
    login = quote(unquote(user), safe="") + colon + quote(unquote(password), safe="")
    parts = _Parts(
        login=login,
        hosts=match["hosts"],
        database=quote(unquote(path), safe=""),
        query=_parse_query(match["query"] or ""),
    )
    parts.addresses()
    return parts


def _unwrapped(url: str) -> str:
    """Consoles offer `psql 'postgresql://…'` to copy."""
    text = _PSQL.sub("", url.strip(), count=1)
    return text[1:-1] if text[:1] in "'\"" and text[:1] == text[-1:] else text


def _parse_query(query: str) -> dict[str, str]:
    # As libpq does: a '+' stays what it is.
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return {unquote(name): unquote(value) for name, _, value in pairs if value}


def _port(text: str) -> int:
    if not text:
        return DEFAULT_PORT
    if not text.isascii() or not text.isdigit() or int(text) not in PORTS:
        raise InvalidDatabaseUrl(f"expected a port from 1 to 65535 after the host {_HINT}")
    return int(text)


def _looks_pooled(parts: _Parts) -> bool:
    if parts.query.get("pgbouncer") == "true":
        return True
    return any(
        "-pooler" in name.lower() or port in POOLER_PORTS for name, port in parts.addresses()
    )


def _is_kept(name: str, value: str, is_pooler: bool) -> bool:
    # PgBouncer refuses `options`, but Neon's proxy finds the database by them.
    if name == "options" and is_pooler:
        return "endpoint=" in value or "project=" in value
    return name in DRIVER_PARAMETERS or name in SESSION_PARAMETERS


def _ssl_mode(query: Mapping[str, str]) -> str | None:
    mode = query.get("sslmode") or query.get("ssl")
    mode = {"true": "require", "1": "require", "false": "disable", "0": "disable"}.get(
        mode or "", mode
    )
    if mode is not None and mode not in SSL_MODES:
        raise InvalidDatabaseUrl(f"sslmode must be one of {', '.join(SSL_MODES)}")
    return mode


def _verifying(mode: str | None, query: Mapping[str, str]) -> ssl.SSLContext | None:
    """A context with the system's certificates; None leaves it to asyncpg."""
    root = query.get("sslrootcert")
    if root != SYSTEM_ROOT and (root or mode not in VERIFYING_MODES or _own_root().exists()):
        return None
    context = ssl.create_default_context()
    context.check_hostname = mode != "verify-ca"
    context.set_alpn_protocols(["postgresql"])
    if "sslcert" in query:
        _load_certificate(context, query)
    return context


def _load_certificate(context: ssl.SSLContext, query: Mapping[str, str]) -> None:
    try:
        context.load_cert_chain(query["sslcert"], query.get("sslkey"), query.get("sslpassword"))
    except OSError as error:
        raise InvalidDatabaseUrl(
            "sslcert and sslkey must name a certificate and its key"
        ) from error


def _own_root() -> Path:
    # Not Path.home(), which raises for an account without one.
    return Path(os.path.expanduser("~/.postgresql/root.crt"))
