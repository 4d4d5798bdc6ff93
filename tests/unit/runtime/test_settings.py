from __future__ import annotations

import base64
import os
import re
from pathlib import Path

import pytest

from runtime.env_file import ENV_FILE_VARIABLE
from runtime.errors import InvalidSettings
from runtime.settings import Settings, load_settings

SERVER = '{"name":"a","url":"http://h","allowed_tools":["t"]}'
MISSING_TOKEN = '"token_variable":"NOBODY_SET_THIS"'
ROOM = Path(__file__).parents[3] / "src" / "runtime"
SOURCE = "".join(path.read_text() for path in sorted(ROOM.glob("*settings.py")))
DATABASE_URL = "postgresql://amy:hunter2@db.example.com/chat"
EVENT_KEY = base64.b64encode(bytes(range(32))).decode()
SECRET = "correct-horse-battery-staple-0123456789"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [ENV_FILE_VARIABLE, *map(str.upper, Settings.model_fields)]:
        monkeypatch.delenv(name, raising=False)


def problems(**overrides: object) -> list[str]:
    with pytest.raises(InvalidSettings) as caught:
        load_settings(**overrides)
    return str(caught.value).splitlines()


def test_settings_default_to_the_embedded_server_without_a_login_service() -> None:
    settings = load_settings()
    assert settings.is_embedded
    assert settings.is_encrypted
    assert settings.auth_mode == "local"
    assert (settings.verbatim_host, settings.verbatim_port) == ("127.0.0.1", 8000)
    assert (settings.agent_tracing, settings.agent_store) == (False, False)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_setting_is_described_and_has_its_comment(name: str) -> None:
    assert Settings.model_fields[name].description
    assert re.search(rf"^    #: \S.*\n    {name}: ", SOURCE, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("AGENT_API", "chat_completions", "agent_api", "chat_completions"),
        ("AGENT_TRACING", "on", "agent_tracing", True),
        ("AGENT_STORE", "0", "agent_store", False),
        ("CONTEXT_MESSAGES", "10", "context_messages", 10),
        ("AGENT_TOOL_TIMEOUT_SECONDS", "2.5", "agent_tool_timeout_seconds", 2.5),
        ("VERBATIM_PORT", "0", "verbatim_port", 0),
        (
            "VERBATIM_ALLOWED_HOSTS",
            " a.example , b:81,",
            "verbatim_allowed_hosts",
            ("a.example", "b:81"),
        ),
        (
            "VERBATIM_ALLOWED_ORIGINS",
            "https://a.example/",
            "verbatim_allowed_origins",
            ("https://a.example",),
        ),
        ("ATTACHMENT_TYPES", "image/*,Text/Plain", "attachment_types", ("image/*", "text/plain")),
        ("VERBATIM_DATA_DIR", "~/chats", "verbatim_data_dir", Path.home() / "chats"),
        ("VERBATIM_PORT", "", "verbatim_port", 8000),
        ("verbatim_workers", "2", "verbatim_workers", 2),
    ],
)
def test_setting_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, field: str, value: object
) -> None:
    monkeypatch.setenv(name, text)
    assert getattr(load_settings(), field) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DATABASE_URL", "mysql://amy:hunter2@h/d"),
        ("DATABASE_URL", "postgresql://amy:hunter2@h:port/d"),
        ("DATABASE_READ_URL", "hunter2"),
        ("DATABASE_POOLER", "session"),
        ("EVENT_KEY", "hunter2"),
        ("EVENT_KEY", base64.b64encode(b"hunter2").decode()),
        ("VERBATIM_ENCRYPTION", "maybe"),
        ("BETTER_AUTH_SECRET", "hunter2"),
        ("INTERNAL_SIGNING_KEY", "hunter2"),
        ("BETTER_AUTH_URL", "login.example.com"),
        ("OPENAI_BASE_URL", "ftp://hunter2@h"),
        ("AGENT_API", "assistants"),
        ("AGENT_STORE", "perhaps"),
        ("AGENT_TURN_LIMIT", "0"),
        ("AGENT_MODEL_TIMEOUT_SECONDS", "inf"),
        ("AGENT_TURN_TIMEOUT_SECONDS", "-1"),
        ("CONTEXT_MESSAGES", "1"),
        ("CONTEXT_MESSAGES", "101"),
        ("VERBATIM_PORT", "70000"),
        ("VERBATIM_WORKERS", "two"),
        ("VERBATIM_ALLOWED_HOSTS", "https://a.example"),
        ("VERBATIM_ALLOWED_ORIGINS", "a.example"),
        ("VERBATIM_ALLOWED_ORIGINS", "https://a.example/path"),
        ("ATTACHMENT_TYPES", "png"),
        ("VERBATIM_MULTIPLE_SENDS", "drop"),
        ("VERBATIM_LOG_LEVEL", "loud"),
        ("CLIENT_TOOLS", "{not json"),
        ("CLIENT_TOOLS", '[{"name":"a b","description":"x"}]'),
        ("CLIENT_TOOLS", '[{"name":"a","description":"x","parameters":{"type":"array"}}]'),
        ("CLIENT_TOOLS", '[{"name":"a","description":"x"},{"name":"a","description":"y"}]'),
        ("FOREIGN_MCP_SERVERS", "hunter2"),
        ("FOREIGN_MCP_SERVERS", '[{"name":"a","url":"http://h"}]'),
        ("FOREIGN_MCP_SERVERS", '[{"name":"a","url":"hunter2","allowed_tools":["t"]}]'),
        ("FOREIGN_MCP_SERVERS", '[{"name":"a__b","url":"http://h","allowed_tools":["t"]}]'),
        ("FOREIGN_MCP_SERVERS", '[{"name":"a","url":"http://h","allowed_tools":[]}]'),
        ("FOREIGN_MCP_SERVERS", "[" + ",".join([SERVER] * 2) + "]"),
        ("FOREIGN_MCP_SERVERS", f"[{SERVER[:-1]},{MISSING_TOKEN}}}]"),
    ],
)
def test_wrong_setting_is_one_line_with_its_name_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(name, text)
    (line,) = problems()
    assert line.startswith(f"{name}: ")
    assert "hunter2" not in line
    assert line.endswith(".")


def test_wrong_settings_are_all_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERBATIM_PORT", "x")
    monkeypatch.setenv("EVENT_KEY", "hunter2")
    assert [line.split(":")[0] for line in problems(context_messages=1)] == [
        "EVENT_KEY",
        "CONTEXT_MESSAGES",
        "VERBATIM_PORT",
    ]


def test_plain_wrong_value_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTEXT_MESSAGES", "1")
    assert problems() == [
        "CONTEXT_MESSAGES: expected a number greater than or equal to 2 (found '1')."
    ]


def test_invalid_settings_carries_no_error_that_holds_the_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EVENT_KEY", "hunter2")
    with pytest.raises(InvalidSettings) as caught:
        load_settings()
    assert caught.value.__context__ is None


def test_secrets_never_show() -> None:
    settings = load_settings(
        database_url=DATABASE_URL,
        database_direct_url=DATABASE_URL,
        event_key=EVENT_KEY,
        internal_signing_key=SECRET,
        better_auth_secret=SECRET,
        openai_api_key="sk-hunter2",
        openai_base_url="https://hunter2@gateway.example.com/v1",
    )
    shown = f"{settings} {settings!r} {settings.model_dump()!r}"
    for secret in ("hunter2@db", EVENT_KEY, SECRET, "sk-hunter2"):
        assert secret not in shown
    assert "hunter2" not in f"{settings} {settings!r}"
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == DATABASE_URL


def test_database_without_event_key_is_refused_unless_encryption_is_off() -> None:
    (line,) = problems(database_url=DATABASE_URL)
    assert line.startswith("EVENT_KEY: expected with DATABASE_URL")
    assert not load_settings(database_url=DATABASE_URL, verbatim_encryption="off").is_encrypted
    assert not load_settings(database_url=DATABASE_URL, event_key=EVENT_KEY).is_embedded


@pytest.mark.parametrize("name", ["database_direct_url", "database_read_url"])
def test_second_database_url_needs_the_first(name: str) -> None:
    assert problems(**{name: DATABASE_URL}) == [
        f"{name.upper()}: expected only together with DATABASE_URL."
    ]


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        ({}, "local"),
        ({"better_auth_secret": SECRET}, "hs256"),
        ({"better_auth_url": "https://login.example.com"}, "jwks"),
        ({"better_auth_url": "https://login.example.com", "better_auth_secret": SECRET}, "jwks"),
        (
            {"database_url": DATABASE_URL, "event_key": EVENT_KEY, "better_auth_secret": SECRET},
            "hs256",
        ),
    ],
)
def test_auth_mode_follows_the_login_service(given: dict[str, str], mode: str) -> None:
    assert load_settings(**given).auth_mode == mode


def test_auth_mode_with_a_database_and_no_login_service_is_refused() -> None:
    settings = load_settings(database_url=DATABASE_URL, event_key=EVENT_KEY)
    with pytest.raises(InvalidSettings, match="BETTER_AUTH_URL"):
        _ = settings.auth_mode


@pytest.mark.parametrize("workers", range(1, 10))
def test_embedded_connections_suffice_for_all_workers(workers: int) -> None:
    settings = load_settings(verbatim_workers=workers)
    listening = 1
    each = settings.direct_connections + settings.read_connections + listening
    assert each * workers <= 90


def test_more_workers_than_the_embedded_server_can_take_are_refused() -> None:
    assert problems(verbatim_workers=10) == [
        "VERBATIM_WORKERS: expected at most 9 without DATABASE_URL (found 10)."
    ]
    external = load_settings(verbatim_workers=10, database_url=DATABASE_URL, event_key=EVENT_KEY)
    assert external.direct_connections == external.database_direct_connections


def test_dotenv_file_in_the_current_folder_is_not_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("VERBATIM_PORT=9999\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings().verbatim_port == 8000


def test_named_env_file_yields_to_environment_and_overrides(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "verbatim.env"
    file.write_text("VERBATIM_PORT=9001\nVERBATIM_HOST=::1\nAGENT_MODEL=small\nUNRELATED=1\n")
    monkeypatch.setenv(ENV_FILE_VARIABLE, str(file))
    monkeypatch.setenv("VERBATIM_HOST", "0.0.0.0")
    settings = load_settings(agent_model="large", verbatim_workers=None)
    assert settings.verbatim_port == 9001
    assert settings.verbatim_host == "0.0.0.0"
    assert settings.agent_model == "large"
    assert settings.verbatim_workers == 1


def test_named_env_file_must_exist_and_be_text(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "verbatim.env"
    monkeypatch.setenv(ENV_FILE_VARIABLE, str(file))
    assert problems() == [f"VERBATIM_ENV_FILE: expected a file, and there is none at {file}."]
    file.write_bytes(b"AGENT_MODEL=\xff\xfe\n")
    assert problems() == ["VERBATIM_ENV_FILE: expected a file in UTF-8."]


@pytest.mark.parametrize(
    ("xdg", "expected"),
    [
        (None, "~/.local/share/verbatim"),
        ("", "~/.local/share/verbatim"),
        ("relative", "~/.local/share/verbatim"),
        ("/srv/data", "/srv/data/verbatim"),
    ],
)
def test_data_dir_follows_xdg(
    monkeypatch: pytest.MonkeyPatch, xdg: str | None, expected: str
) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    if xdg is not None:
        monkeypatch.setenv("XDG_DATA_HOME", xdg)
    assert load_settings().verbatim_data_dir == Path(os.path.expanduser(expected))


def test_settings_are_frozen_and_overrides_are_checked() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().verbatim_port = 1
    with pytest.raises(TypeError, match="no such settings: port"):
        load_settings(port=1)


def test_foreign_servers_are_read_as_json_with_their_tokens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTHERS_TOKEN", "hunter2")
    monkeypatch.setenv("FOREIGN_MCP_SERVERS", f'[{SERVER[:-1]},"token_variable":"OTHERS_TOKEN"}}]')
    settings = load_settings()
    (server,) = settings.foreign_mcp_servers
    assert (server.name, server.url, server.allowed_tools) == ("a", "http://h", ("t",))
    assert server.token is not None
    assert server.token.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(settings)
