"""The kinds of value a setting may have, with the check that each brings along."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import NoDecode

from runtime.errors import InvalidDatabaseUrl
from runtime.urls import connect_arguments

SHOWN_CHARACTERS = 60

_PYDANTIC = re.compile(
    r"^(?:(?P<ours>Value error, )|Input should (?:be |have )(?P<bound>(?:greater|less) than)?)"
)
_HTTP_URL = re.compile(r"https?://[^\s/?#]+([/?#]\S*)?", re.IGNORECASE)
_ORIGIN = re.compile(r"https?://[^\s/?#@]+", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]+/([a-z0-9.+-]+|\*)")

_TOOL = re.compile(r"[A-Za-z0-9_.-]{1,128}").fullmatch


def default_data_dir() -> Path:
    base = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share")
    # The XDG specification wants a relative path ignored.
    chosen = base if base.is_absolute() else Path("~/.local/share")
    return chosen / "verbatim"


def complaint(detail: ErrorDetails, field: FieldInfo) -> str:
    """What is wrong with one setting; what was found is repeated unless it may be secret."""
    name = str(detail["loc"][0]).upper()
    expected = _PYDANTIC.sub(_plain, detail["msg"]).rstrip(".")
    if not field.repr or "Secret" in str(field.annotation):
        return f"{name}: {expected}."
    return f"{name}: {expected} (found {str(detail['input'])[:SHOWN_CHARACTERS]!r})."


def _plain(match: re.Match[str]) -> str:
    if match["bound"]:
        return f"expected a number {match['bound']}"
    return "" if match["ours"] else "expected "


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(item for item in map(str.strip, value.split(",")) if item)
    return value


def _check_http_url(value: str) -> str:
    if not _HTTP_URL.fullmatch(value):
        raise ValueError("expected a URL that begins with http:// or https://")
    return value


def _check_origins(values: tuple[str, ...]) -> tuple[str, ...]:
    origins = tuple(value.rstrip("/") for value in values)
    if not all(map(_ORIGIN.fullmatch, origins)):
        raise ValueError("expected origins such as https://chat.example.com, without a path")
    return origins


def _check_hosts(values: tuple[str, ...]) -> tuple[str, ...]:
    if any("/" in value or "*" in value for value in values):
        raise ValueError("expected hosts such as chat.example.com or box.lan:8000")
    return values


def _check_media_types(values: tuple[str, ...]) -> tuple[str, ...]:
    types = tuple(value.lower() for value in values)
    if not all(map(_MEDIA_TYPE.fullmatch, types)):
        raise ValueError("expected media types such as image/png or image/*")
    return types


def _check_tools(values: tuple[str, ...]) -> tuple[str, ...]:
    if values == ("none",):
        return ()
    if not all(map(_TOOL, values)):
        raise ValueError("expected names of tools such as delete_task, or none")
    return values


def _check_database_url(value: SecretStr) -> SecretStr:
    try:
        connect_arguments(value.get_secret_value())
    except InvalidDatabaseUrl as error:
        raise ValueError(str(error)) from None
    return value


# The checks below are imported where they are needed: they bring a cryptography library along,
# which most commands do without.


def _check_event_key(value: SecretStr) -> SecretStr:
    from events.errors import InvalidEventKey
    from events.keys import parse_event_key

    try:
        parse_event_key(value.get_secret_value())
    except InvalidEventKey:
        raise ValueError(
            "expected 32 random bytes in base64; make one with `openssl rand -base64 32`"
        ) from None
    return value


def _split_command(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return tuple(shlex.split(value))
    except ValueError:
        raise ValueError("expected a command as a shell reads it; a quote is not closed") from None


def _check_strength(value: SecretStr) -> SecretStr:
    from auth.errors import WeakSecret
    from auth.secret import check_secret

    try:
        check_secret(value.get_secret_value().encode(), "the secret")
    except WeakSecret as error:
        raise ValueError(str(error)) from None
    return value


def _make_absolute(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise ValueError("expected a folder; this account has no home to put one into") from None


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Hosts = Annotated[Names, AfterValidator(_check_hosts)]
Origins = Annotated[Names, AfterValidator(_check_origins)]
MediaTypes = Annotated[Names, AfterValidator(_check_media_types)]
ToolNames = Annotated[Names, AfterValidator(_check_tools)]
HttpUrl = Annotated[str, AfterValidator(_check_http_url)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_check_database_url)]
Command = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_command)]
EncryptionKey = Annotated[SecretStr, AfterValidator(_check_event_key)]
StrongSecret = Annotated[SecretStr, AfterValidator(_check_strength)]
Folder = Annotated[Path, AfterValidator(_make_absolute)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=0, le=65535)]
