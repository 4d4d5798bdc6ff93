"""Log lines on stderr: an action and ids, never a body, a secret or a query string."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["json", "console", "auto"]

#: Keys that are left out wherever they stand: content of users, and what opens doors.
FORBIDDEN_KEYS = re.compile(
    r"(?:.*[_.-])?(?:authorization|cookies?|password|passwd|secrets?|token|api[_-]?key|event_key"
    r"|signing_key|dsn|text|content|contents|body|message|messages|prompt|arguments|output|title"
    r"|headers|query|query_string|params|parameters)",
    re.IGNORECASE,
)
MESSAGE_CHARACTERS = 300
FRAMES = 30
#: Loggers that would log each request themselves; our own line comes from the API.
SILENCED = ("uvicorn.access",)

_STRUCTLOG_KEYS = frozenset({"_record", "_from_structlog"})
_LOGIN_IN_URL = re.compile(r"(?<=://)[^\s/@]*@")
_QUERY = re.compile(r"((?:\w+:/)?/[^\s?\"'<>]*)\?[^\s\"'<>]*")
_BEARER = re.compile(r"\b(Bearer\s+)[\w.~+/=-]+|\beyJ[\w-]+\.[\w-]+\.[\w-]*", re.IGNORECASE)


def configure_logs(
    level: Level = "info", form: Format = "auto", file: TextIO | None = None
) -> None:
    """For the whole process, the standard library's loggers included.

    Ids bound with `structlog.contextvars.bind_contextvars` (request_id, run_id) stand in every
    line of that context.
    """
    stream = file or sys.stderr
    is_console = form == "console" or (form == "auto" and stream.isatty())
    renderer = _console(stream) if is_console else structlog.processors.JSONRenderer(default=repr)
    structlog.configure(
        processors=[*_shared(), renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    _route_standard_logging(stream, renderer, level)


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        describe_exception,
        redact,
    ]


def _console(stream: TextIO) -> Processor:
    return structlog.dev.ConsoleRenderer(
        colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
    )


def _route_standard_logging(stream: TextIO, renderer: Processor, level: Level) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, shorten, *_shared()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()]))
    for name in list(logging.root.manager.loggerDict):
        _hand_over(logging.getLogger(name))
    for name in SILENCED:
        logging.getLogger(name).disabled = True
    logging.captureWarnings(True)


def _hand_over(logger: logging.Logger) -> None:
    """A library that was imported before may have set handlers and levels of its own."""
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.NOTSET)


def shorten(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Of what other libraries say, the first line: repr of values and exceptions comes after."""
    event["event"] = _first_line(event["event"])
    return event


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Drops forbidden keys at any depth, and cuts query strings and credentials out of values."""
    return {
        key: value if key in _STRUCTLOG_KEYS else _clean(value)
        for key, value in event.items()
        if not _is_forbidden(key)
    }


def _is_forbidden(key: object) -> bool:
    return FORBIDDEN_KEYS.fullmatch(str(key)) is not None


def _clean(value: Any) -> Any:
    match value:
        case None | int() | float():
            return value
        case dict():
            return {key: _clean(item) for key, item in value.items() if not _is_forbidden(key)}
        case list() | tuple() | set() | frozenset():
            return [_clean(item) for item in value]
        case BaseException():
            return _clean(_headline(value))
    return _BEARER.sub("…", _QUERY.sub(r"\1", _LOGIN_IN_URL.sub("", str(value))))


def describe_exception(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Turns exc_info into one text: types, frames, and of each message the first line.

    Further lines are where drivers and validators quote statements, parameters and input.
    """
    error = _exception_of(event.pop("exc_info", None))
    if error is not None:
        event["exception"] = "\n".join(_lines(error, set()))
    return event


def _exception_of(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        error: BaseException | None = exc_info[1]
        return error
    return sys.exc_info()[1] if exc_info else None


def _lines(error: BaseException, seen: set[int]) -> list[str]:
    seen.add(id(error))
    lines = [_headline(error)]
    for frame in traceback.extract_tb(error.__traceback__)[-FRAMES:]:
        lines.append(f"  {frame.filename}:{frame.lineno} {frame.name}")
    for part in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        lines += [f"  | {line}" for line in _lines(part, seen)]
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        lines += ["caused by" if error.__cause__ else "while handling", *_lines(before, seen)]
    return lines


def _headline(error: BaseException) -> str:
    message, name = _first_line(str(error)), type(error).__qualname__
    return f"{name}: {message}" if message else name


def _first_line(text: object) -> str:
    return str(text).strip().partition("\n")[0][:MESSAGE_CHARACTERS]
