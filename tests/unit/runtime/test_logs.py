from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pydantic
import pytest
import structlog

from runtime.logs import Format, Level, configure_logs


class Written(io.StringIO):
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def line(self) -> dict[str, Any]:
        (line,) = self.lines()
        return line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging as it was before: it belongs to the whole process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    access = logging.getLogger("uvicorn.access")
    with warnings.catch_warnings():
        yield
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    access.disabled = False
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def configured(level: Level = "info", form: Format = "json") -> Written:
    written = Written()
    configure_logs(level, form, written)
    return written


def test_line_is_json_with_action_level_utc_time_and_bound_ids() -> None:
    written = configured()
    with structlog.contextvars.bound_contextvars(request_id="r1", run_id="u1"):
        structlog.get_logger().info("run_started", attempt=2)
    line = written.line()
    timestamp = line.pop("timestamp")
    assert line == {
        "event": "run_started",
        "level": "info",
        "attempt": 2,
        "request_id": "r1",
        "run_id": "u1",
    }
    assert timestamp.endswith("Z")
    assert timestamp[10] == "T"


@pytest.mark.parametrize(
    "key",
    [
        "authorization",
        "Authorization",
        "cookie",
        "set-cookie",
        "token",
        "access_token",
        "client_secret",
        "password",
        "api_key",
        "event_key",
        "text",
        "content",
        "body",
        "request_body",
        "message",
        "title",
        "arguments",
        "tool_output",
        "prompt",
        "query_string",
        "headers",
    ],
)
def test_forbidden_key_is_left_out_at_any_depth(key: str) -> None:
    written = configured()
    structlog.get_logger().info("sent", **{key: "hunter2"}, nested={"deep": [{key: "hunter2"}]})
    assert "hunter2" not in written.getvalue()
    assert written.line()["nested"] == {"deep": [{}]}


@pytest.mark.parametrize(
    "key", ["message_id", "message_count", "input_tokens", "content_type", "key_id", "bodies_bytes"]
)
def test_harmless_key_stays(key: str) -> None:
    written = configured()
    structlog.get_logger().info("sent", **{key: 7})
    assert written.line()[key] == 7


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("/api/amy/conversations?q=hunter2&limit=5", "/api/amy/conversations"),
        ("GET https://h:8000/x?token=hunter2 200", "GET https://h:8000/x 200"),
        ("https://h?key=hunter2", "https://h"),
        ("postgresql://amy:hunter2@h/d?sslmode=require", "postgresql://h/d"),
        ("sent Bearer hunter2.abc-def", "sent …"),
        ("is it there?", "is it there?"),
    ],
)
def test_query_strings_and_credentials_are_cut_out_of_values(value: str, shown: str) -> None:
    written = configured()
    structlog.get_logger().info("looked", at=value, nested=[value])
    logging.getLogger("httpx").warning("%s", value)
    ours, theirs = written.lines()
    assert (ours["at"], ours["nested"], theirs["event"]) == (shown, [shown], shown)


def test_exception_is_one_line_with_types_frames_and_causes() -> None:
    written = configured()
    try:
        try:
            raise KeyError("first")
        except KeyError as cause:
            raise ValueError("second\nhunter2 on a further line") from cause
    except ValueError:
        structlog.get_logger().exception("run_failed", run_id="u1")
    line = written.line()
    exception = line["exception"].splitlines()
    assert (line["event"], line["level"]) == ("run_failed", "error")
    assert exception[0] == "ValueError: second"
    assert exception[1].endswith("test_exception_is_one_line_with_types_frames_and_causes")
    assert exception[2:4] == ["caused by", "KeyError: 'first'"]
    assert "hunter2" not in written.getvalue()


def test_exception_group_is_one_line_with_its_parts() -> None:
    written = configured()
    group = ExceptionGroup("two", [ValueError("a"), TypeError("b")])
    structlog.get_logger().error("node_stopped", exc_info=group)
    assert written.line()["exception"].splitlines() == [
        "ExceptionGroup: two (2 sub-exceptions)",
        "  | ValueError: a",
        "  | TypeError: b",
    ]


def test_exceptions_that_cause_each_other_end() -> None:
    written = configured()
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    structlog.get_logger().error("odd", exc_info=first)
    assert written.line()["exception"].splitlines() == [
        "ValueError: a",
        "caused by",
        "ValueError: b",
    ]


def test_exception_shows_neither_local_variables_nor_validated_input() -> None:
    class Message(pydantic.BaseModel):
        size: int

    written = configured()
    try:
        hidden = "hunter2"
        Message.model_validate({"size": hidden})
    except pydantic.ValidationError as error:
        structlog.get_logger().warning("refused", exc_info=True, error=error)
    assert "hunter2" not in written.getvalue()
    assert written.line()["error"] == "ValidationError: 1 validation error for Message"


def test_other_libraries_speak_from_warning_on_as_one_json_line() -> None:
    written = configured()
    for name in ("uvicorn.error", "sqlalchemy.engine", "openai.agents", "mcp", "httpx"):
        logging.getLogger(name).info("chatter hunter2")
    logging.getLogger("asyncio").error(
        "Task exception was never retrieved\nfuture: <Task exception=ValueError('hunter2')>"
    )
    line = written.line()
    assert line["event"] == "Task exception was never retrieved"
    assert (line["logger"], line["level"]) == ("asyncio", "error")
    assert "hunter2" not in written.getvalue()


def test_other_libraries_exception_is_one_json_line_with_bound_ids() -> None:
    written = configured()
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        try:
            raise OSError("gone")
        except OSError:
            logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
    line = written.line()
    assert (line["event"], line["request_id"]) == ("Exception in ASGI application", "r1")
    assert line["exception"].startswith("OSError: gone\n")


def test_handlers_and_levels_set_before_are_taken_over() -> None:
    chatty = logging.getLogger("some.library")
    own = io.StringIO()
    chatty.addHandler(logging.StreamHandler(own))
    chatty.setLevel(logging.DEBUG)
    chatty.propagate = False
    written = configured()
    chatty.debug("chatter")
    chatty.warning("worth knowing")
    assert own.getvalue() == ""
    assert written.line()["event"] == "worth knowing"


def test_access_log_of_uvicorn_is_off() -> None:
    written = configured("debug")
    logging.getLogger("uvicorn.access").error('"GET /x?q=hunter2 HTTP/1.1" 500')
    assert written.getvalue() == ""


def test_warning_of_python_becomes_a_line() -> None:
    written = configured()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(False)
    assert "DeprecationWarning: old" in written.line()["event"]


def test_level_is_a_threshold() -> None:
    written = configured("warning")
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    assert [line["event"] for line in written.lines()] == ["loud"]


def test_level_above_warning_holds_for_other_libraries() -> None:
    written = configured("error")
    logging.getLogger("mcp").warning("quiet")
    assert written.getvalue() == ""


def test_logger_made_before_the_configuration_obeys_it() -> None:
    log = structlog.get_logger()
    written = configured()
    log.info("late")
    assert written.line()["event"] == "late"


@pytest.mark.parametrize(("form", "is_json"), [("auto", False), ("console", False), ("json", True)])
def test_form_on_a_terminal(form: Format, is_json: bool) -> None:
    terminal = Terminal()
    configure_logs("info", form, terminal)
    try:
        raise ValueError("bad\nhunter2")
    except ValueError:
        structlog.get_logger().exception("failed", text="hunter2", run_id="u1")
    assert terminal.getvalue().startswith("{") is is_json
    assert "ValueError: bad" in terminal.getvalue()
    assert "hunter2" not in terminal.getvalue()


def test_values_that_json_does_not_know_are_written_as_text() -> None:
    written = configured()
    structlog.get_logger().info("odd", at=pytest, ids={1}, nothing=None, rate=0.5, yes=True)
    line = written.line()
    assert (line["ids"], line["nothing"], line["rate"], line["yes"]) == ([1], None, 0.5, True)
    assert line["at"].startswith("<module 'pytest'")


def test_lines_go_to_stderr_and_stdout_stays_empty() -> None:
    code = (
        "import structlog; from runtime.logs import configure_logs; configure_logs();"
        "structlog.get_logger().info('started')"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert process.stdout == b""
    assert json.loads(process.stderr)["event"] == "started"
