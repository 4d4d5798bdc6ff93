from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from asyncpg.connect_utils import _parse_connect_arguments

from runtime.errors import InvalidDatabaseUrl
from runtime.urls import connect_arguments, database_urls, direct_url_of, is_transaction_pooler

NEON = "ep-cool-darkness-123456.eu-central-1.aws.neon.tech"
NEON_POOLER = "ep-cool-darkness-123456-pooler.eu-central-1.aws.neon.tech"
PASTED = f"postgresql://amy:p@{NEON_POOLER}/chat?sslmode=require&channel_binding=require"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSSLMODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def understood(url: str) -> tuple[list[Any], Any]:
    """The addresses and parameters that asyncpg itself makes of our arguments."""
    defaults = dict.fromkeys(
        "host port user password passfile database command_timeout ssl direct_tls server_settings"
        " target_session_attrs krbsrvname gsslib service servicefile".split()
    )
    sizes = {
        "statement_cache_size": 100,
        "max_cached_statement_lifetime": 300,
        "max_cacheable_statement_size": 1024,
    }
    keywords = connect_arguments(url).keywords()
    addresses, parameters, _ = _parse_connect_arguments(**{**defaults, **sizes, **keywords})
    return addresses, parameters


@pytest.mark.parametrize(
    ("url", "address", "user", "password", "database"),
    [
        ("postgresql://amy:p@h/d", ("h", 5432), "amy", "p", "d"),
        ("postgres://amy:p@h:6000/d", ("h", 6000), "amy", "p", "d"),
        ("postgresql+asyncpg://amy:p@h/d", ("h", 5432), "amy", "p", "d"),
        ("POSTGRES+psycopg2://amy:p@h/d", ("h", 5432), "amy", "p", "d"),
        ("  postgresql://amy:p@h/d\n", ("h", 5432), "amy", "p", "d"),
        ("'postgresql://amy:p@h/d'", ("h", 5432), "amy", "p", "d"),
        ('psql "postgresql://amy:p@h/d"', ("h", 5432), "amy", "p", "d"),
        ("postgresql://amy:p%40%2F%3F%25%20w@h/d", ("h", 5432), "amy", "p@/?% w", "d"),
        ("postgresql://amy:p@w:d@h/d", ("h", 5432), "amy", "p@w:d", "d"),
        ("postgresql://amy:endpoint=ep-x-1;p@h/d", ("h", 5432), "amy", "endpoint=ep-x-1;p", "d"),
        ("postgresql://amy:p#w[1]+%@h/d", ("h", 5432), "amy", "p#w[1]+%", "d"),
        ("postgresql://a%40b:p@h/d%2Fe", ("h", 5432), "a@b", "p", "d/e"),
        ("postgresql://amy:p@[::1]/d", ("[::1]", 5432), "amy", "p", "d"),
        ("postgresql://amy:p@[fe80::1]:6000/d", ("[fe80::1]", 6000), "amy", "p", "d"),
        ("postgresql://amy:p@/d?host=/run/pg", "/run/pg/.s.PGSQL.5432", "amy", "p", "d"),
        (
            "postgresql://amy:p@/d?host=%2Frun%2Fpg&port=6000",
            "/run/pg/.s.PGSQL.6000",
            "amy",
            "p",
            "d",
        ),
        ("postgresql://amy:p@%2Frun%2Fpg/d", "/run/pg/.s.PGSQL.5432", "amy", "p", "d"),
        ("postgresql:///d?host=h&user=amy&password=p%2Bw+x", ("h", 5432), "amy", "p+w+x", "d"),
    ],
)
def test_url_means_to_asyncpg_what_it_says(
    url: str, address: object, user: str, password: str, database: str
) -> None:
    addresses, parameters = understood(url)
    if isinstance(address, tuple):
        address = (address[0].strip("[]"), address[1])
    assert [(a[0].strip("[]"), a[1]) if isinstance(a, tuple) else a for a in addresses] == [address]
    assert (parameters.user, parameters.password, parameters.database) == (user, password, database)
    assert not parameters.server_settings


def test_several_hosts_stay_in_order() -> None:
    addresses, _ = understood("postgresql://amy:p@a:6000,b/d")
    assert addresses == [("a", 6000), ("b", 5432)]


@pytest.mark.parametrize(
    ("query", "mode"),
    [
        ("", "prefer"),
        ("?sslmode=disable", "disable"),
        ("?sslmode=allow", "allow"),
        ("?sslmode=prefer", "prefer"),
        ("?sslmode=require", "require"),
        ("?ssl=true", "require"),
        ("?ssl=false", "disable"),
        ("?ssl=require", "require"),
    ],
)
def test_ssl_mode_reaches_asyncpg(query: str, mode: str) -> None:
    _, parameters = understood(f"postgresql://amy:p@h/d{query}")
    assert parameters.sslmode.name == mode


@pytest.mark.parametrize(
    ("query", "checks_name"),
    [("sslmode=verify-full", True), ("sslmode=verify-ca", False), ("sslrootcert=system", True)],
)
def test_verification_uses_the_certificates_of_the_system(query: str, checks_name: bool) -> None:
    _, parameters = understood(f"postgresql://amy:p@h/d?{query}")
    assert isinstance(parameters.ssl, ssl.SSLContext)
    assert parameters.ssl.verify_mode == ssl.CERT_REQUIRED
    assert parameters.ssl.check_hostname is checks_name
    assert parameters.sslmode.name == "require"


def test_root_certificate_of_ones_own_is_left_to_asyncpg(home: Path) -> None:
    assert connect_arguments("postgresql://h/d?sslmode=verify-full&sslrootcert=/ca").ssl is None
    (home / ".postgresql").mkdir()
    (home / ".postgresql" / "root.crt").touch()
    assert connect_arguments("postgresql://h/d?sslmode=verify-full").ssl is None


def test_parameters_that_asyncpg_would_send_as_settings_are_left_out() -> None:
    url = (
        "postgresql://amy:p@h/d?channel_binding=require&connect_timeout=10&schema=public"
        "&application_name=chat&options=-c%20work_mem%3D8MB&connection_limit=5"
    )
    _, parameters = understood(url)
    assert parameters.server_settings == {
        "application_name": "chat",
        "options": "-c work_mem=8MB",
    }
    assert connect_arguments(url).ignored == ("connection_limit", "schema")


@pytest.mark.parametrize(
    ("options", "kept"),
    [("endpoint%3Dep-cool", True), ("project%3Dcool", True), ("-c%20work_mem%3D8MB", False)],
)
def test_options_pass_a_pooler_only_when_they_name_the_database(options: str, kept: bool) -> None:
    arguments = connect_arguments(f"postgresql://h:6432/d?options={options}")
    assert ("options" in arguments.dsn) is kept
    assert arguments.ignored == (() if kept else ("options",))


@pytest.mark.parametrize(
    ("url", "is_pooler"),
    [
        (PASTED, True),
        (f"postgresql://amy:p@{NEON}/d", False),
        ("postgresql://h:6432/d", True),
        ("postgresql://h:6543/d", True),
        ("postgresql://h/d?port=6432", True),
        ("postgresql://h/d?pgbouncer=true", True),
        ("postgresql://my-pooler-cluster:5432/d", True),
        ("postgresql://h:5432/d", False),
        ("postgresql:///d-pooler?host=/run/x", False),
    ],
)
def test_transaction_pooler_is_recognised(url: str, is_pooler: bool) -> None:
    assert is_transaction_pooler(url) is is_pooler
    arguments = connect_arguments(url)
    assert (arguments.keywords().get("statement_cache_size") == 0) is is_pooler


@pytest.mark.parametrize(
    ("url", "direct"),
    [
        (PASTED, f"postgresql://amy:p@{NEON}/chat?sslmode=require&channel_binding=require"),
        (f"postgres://{NEON_POOLER}:5432/d", f"postgresql://{NEON}:5432/d"),
        (
            f"postgresql://{NEON_POOLER}/d?options=endpoint%3Dep-x-pooler",
            f"postgresql://{NEON}/d?options=endpoint%3Dep-x",
        ),
        (
            "postgresql://amy:p@ep-x-1-pooler.c-2.us-east-1.aws.neon.tech/d?sslnegotiation=direct",
            "postgresql://amy:p@ep-x-1.c-2.us-east-1.aws.neon.tech/d?sslnegotiation=direct",
        ),
        (
            "psql 'postgresql://amy:p@ep-x-1-pooler.germanywestcentral.azure.neon.tech/d'",
            "postgresql://amy:p@ep-x-1.germanywestcentral.azure.neon.tech/d",
        ),
        (
            "postgresql://amy:endpoint%3Dep-x-1%3Bp@ep-x-1-pooler.eu.aws.neon.tech/d",
            "postgresql://amy:endpoint%3Dep-x-1%3Bp@ep-x-1.eu.aws.neon.tech/d",
        ),
        (f"postgresql://{NEON}/d", None),
        ("postgresql://db-pooler.example.com/d", None),
        ("postgresql://db-pooler.notneon.tech/d", None),
        ("postgresql://h:6432/d", None),
    ],
)
def test_direct_url_is_derived_for_neon_only(url: str, direct: str | None) -> None:
    assert direct_url_of(url) == direct


def test_database_urls_go_past_neons_pooler() -> None:
    urls = database_urls(PASTED)
    assert urls.primary.is_pooler
    assert not urls.direct.is_pooler
    assert urls.direct.place == f"{NEON}/chat"
    assert urls.replica is None


def test_database_urls_take_what_is_given() -> None:
    urls = database_urls("postgresql://p:6432/d", "postgresql://q/d", "postgresql://r/d")
    assert (urls.primary.setting, urls.primary.is_pooler) == ("DATABASE_URL", True)
    assert (urls.direct.setting, urls.direct.place) == ("DATABASE_DIRECT_URL", "q/d")
    assert urls.replica is not None
    assert (urls.replica.setting, urls.replica.place) == ("DATABASE_READ_URL", "r/d")


@pytest.mark.parametrize(
    ("pooler", "url", "is_pooler"),
    [
        ("transaction", "postgresql://h/d", True),
        ("none", "postgresql://h:6432/d", False),
    ],
)
def test_pooler_setting_wins_over_appearance(pooler: Any, url: str, is_pooler: bool) -> None:
    urls = database_urls(url, pooler=pooler)
    assert urls.primary.is_pooler is is_pooler
    assert urls.direct is urls.primary


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hunter2",
        "mysql://amy:hunter2@h/d",
        "https://amy:hunter2@h/d",
        "postgresql:amy:hunter2@h",
        "postgresql://amy:hunter2@h:port/d",
        "postgresql://amy:hunter2@h:70000/d",
        "postgresql://amy:hunter2/x@h/d",
        "postgresql://amy:12/hunter2@h/d",
        "postgresql://amy:hunter2?x@h/d",
        "postgresql://amy:hunter2@h/d?sslmode=sure",
        "postgresql://amy:hunter2@h/d?sslmode=verify-full&sslcert=/nowhere",
    ],
)
def test_wrong_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidDatabaseUrl) as caught:
        connect_arguments(url)
    assert "hunter2" not in str(caught.value)


def test_arguments_show_the_place_and_no_login() -> None:
    arguments = connect_arguments("postgresql://amy:hunter2@h:6000/d?password=hunter2")
    assert arguments.place == "h:6000/d"
    assert "hunter2" not in repr(arguments)
    assert "hunter2" in arguments.dsn
