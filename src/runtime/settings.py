"""Every setting, read once from the environment.

A field's name in capitals is its name in the environment; an empty value counts as not set. No
file is read, least of all a `.env` that happens to lie in the current folder and may name a
production database: whoever wants one says so with VERBATIM_ENV_FILE=<path>. The environment
wins over that file, and options of the command line win over both.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from runtime.audit_settings import AuditSettings
from runtime.client_tool_settings import ClientToolSettings
from runtime.env_file import ENV_FILE_VARIABLE, env_file
from runtime.errors import InvalidSettings
from runtime.foreign_settings import ForeignToolSettings
from runtime.send_settings import SendSettings
from runtime.setting_types import (
    Count,
    DatabaseUrl,
    EncryptionKey,
    Folder,
    Hosts,
    HttpUrl,
    MediaTypes,
    Names,
    Origins,
    Port,
    Seconds,
    StrongSecret,
    ToolNames,
    complaint,
    default_data_dir,
)
from runtime.urls import Pooler

MIB = 1024 * 1024
#: The embedded server takes 100; the rest is for its superuser, migrations and the command line.
EMBEDDED_CONNECTIONS = 88
#: Three writers, the sealer, the projector and one to spare.
LEAST_DIRECT_CONNECTIONS = 6
LEAST_READ_CONNECTIONS = 2

AuthMode = Literal["local", "hs256", "jwks"]


class Settings(SendSettings, ForeignToolSettings, ClientToolSettings, AuditSettings):
    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    #: Primary database; None is embedded mode.
    database_url: DatabaseUrl | None = Field(
        None, description="PostgreSQL 15 or newer; without it an embedded server is started."
    )
    #: Past the pooler, for appends, LISTEN, COPY and migrations.
    database_direct_url: DatabaseUrl | None = Field(
        None, description="The database without a pooler; derived where DATABASE_URL is Neon's."
    )
    #: Replica.
    database_read_url: DatabaseUrl | None = Field(
        None, description="A replica: connected to, and not read from yet."
    )
    #: What lies between us and DATABASE_URL.
    database_pooler: Pooler = Field(
        "auto",
        description="Whether DATABASE_URL leads to a pooler in transaction mode: auto (judged by "
        "host and port), transaction or none.",
    )
    #: A worker's connections for appends, sealing and projecting.
    database_direct_connections: int = Field(
        12, ge=LEAST_DIRECT_CONNECTIONS, description="Direct connections of a worker, at most."
    )
    #: A worker's connections for reads.
    database_read_connections: int = Field(
        12, ge=LEAST_READ_CONNECTIONS, description="Connections of a worker for reads, at most."
    )
    #: Patience with a database that is waking up.
    database_start_timeout_seconds: Seconds = Field(
        30.0, description="How long a database may take to answer when the server starts."
    )

    #: Wraps the users' data keys.
    event_key: EncryptionKey | None = Field(
        None,
        description="32 random bytes in base64 that encrypt every user's key; keep a copy. "
        "Generated for the embedded server, required with DATABASE_URL.",
    )
    #: Whether content is encrypted at all.
    verbatim_encryption: Literal["on", "off"] = Field(
        "on", description="Encryption of content: on or off."
    )
    #: Signs client secrets and the agent's tokens.
    internal_signing_key: StrongSecret | None = Field(
        None, description="Signs the server's own tokens; 32 bytes or more, the same on each node."
    )

    #: HS256 key shared with the login service.
    better_auth_secret: StrongSecret | None = Field(
        None, description="Verifies user tokens signed with HS256; 32 bytes or more."
    )
    #: Issuer whose published keys are used.
    better_auth_url: HttpUrl | None = Field(
        None, description="The login service whose JWKS verifies user tokens; wins over the secret."
    )
    #: Expected `aud` claim.
    better_auth_audience: str | None = Field(
        None, description="The audience user tokens must name; default: the login service's URL."
    )

    #: Without key and base URL the offline model answers.
    openai_api_key: SecretStr | None = Field(
        None, description="Key of the model's host; without key and base URL a built-in demo runs."
    )
    #: Hidden in repr, because gateways put keys into it.
    openai_base_url: HttpUrl | None = Field(
        None, repr=False, description="Root of the model's API with its version: https://host/v1."
    )
    #: As its host knows it.
    agent_model: str = Field("gpt-5.4-mini", min_length=1, description="Name of the model.")
    #: Of the same host; for each message the user's choice.
    agent_models: Names = Field(
        (), description="Other models that a message may ask for, comma-separated."
    )
    #: A call of its own after a first turn; without it, and offline, the first words.
    agent_titles: bool = Field(True, description="Whether the model names new conversations.")
    #: A small one will do.
    agent_title_model: str | None = Field(
        None, min_length=1, description="Model that names conversations; default: AGENT_MODEL."
    )
    #: Wire protocol.
    agent_api: Literal["responses", "chat_completions"] = Field(
        "responses", description="API the model's host speaks: responses or chat_completions."
    )
    #: Traces carry conversations to OpenAI.
    agent_tracing: bool = Field(False, description="Whether traces of runs are sent to OpenAI.")
    #: Retention at the model's host.
    agent_store: bool = Field(False, description="Whether the model's host may keep responses.")
    #: Model responses in a run.
    agent_turn_limit: Count = Field(
        10, description="How many times a run may call the model before it fails."
    )
    #: Longest silence of the model.
    agent_model_timeout_seconds: Seconds = Field(
        60.0, description="How long the model may stay silent."
    )
    #: A whole run.
    agent_turn_timeout_seconds: Seconds = Field(300.0, description="How long a run may take.")
    #: One tool call.
    agent_tool_timeout_seconds: Seconds = Field(30.0, description="How long a tool may take.")
    #: Tools at another server instead of in process.
    mcp_server_url: HttpUrl | None = Field(
        None, repr=False, description="Where the task tools are called over MCP; default: here."
    )
    #: `none` for none: an empty value counts as not set.
    approval_tools: ToolNames = Field(
        ("delete_task",),
        description="Tools whose calls wait for the user's approval, comma-separated, or none.",
    )
    #: What the model is given.
    context_messages: int = Field(
        15, ge=2, le=100, description="How many of the newest messages the model is given."
    )
    #: One more call of the model now and then.
    context_summaries: bool = Field(False, description="Whether notes are kept on what is cut.")
    #: Characters, not bytes.
    tool_output_limit_characters: Count = Field(
        100_000, description="Where a tool's output is cut before it is stored, in characters."
    )

    #: Embedded database and generated keys.
    verbatim_data_dir: Folder = Field(
        default_factory=default_data_dir,
        description="Holds the embedded database and the generated keys.",
    )
    #: Interface to bind.
    verbatim_host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    #: 0 takes any free one.
    verbatim_port: Port = Field(8000, description="Port to listen on.")
    #: Processes.
    verbatim_workers: Count = Field(1, description="How many processes serve.")
    #: Beside loopback.
    verbatim_allowed_hosts: Hosts = Field(
        (), description="Hosts served beside localhost, comma-separated: chat.example.com."
    )
    #: Beside the own one.
    verbatim_allowed_origins: Origins = Field(
        (), description="Origins whose pages may call, comma-separated: https://chat.example.com."
    )
    #: One upload.
    attachment_limit_bytes: Count = Field(
        10 * MIB, description="Largest attachment accepted, in bytes."
    )
    #: Media types; a subtype may be `*`.
    attachment_types: MediaTypes = Field(
        ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain"),
        description="Media types accepted as attachments, comma-separated.",
    )
    #: Threshold of our own lines; other libraries speak from warning on.
    verbatim_log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe line logged: debug, info, warning or error."
    )
    #: auto: by whether a person watches.
    verbatim_log_format: Literal["json", "console", "auto"] = Field(
        "auto", description="Form of log lines: json, console, or auto (console on a terminal)."
    )

    @property
    def is_embedded(self) -> bool:
        return self.database_url is None

    @property
    def is_encrypted(self) -> bool:
        return self.verbatim_encryption == "on"

    @property
    def auth_mode(self) -> AuthMode:
        """Who signs user tokens. Raises InvalidSettings where nobody could sign in."""
        if self.better_auth_url:
            return "jwks"
        if self.better_auth_secret:
            return "hs256"
        if self.is_embedded:
            return "local"
        raise InvalidSettings(
            "BETTER_AUTH_URL: expected with DATABASE_URL, so that users can sign in; set it to the"
            " login service's address, or set BETTER_AUTH_SECRET."
        )

    @property
    def direct_connections(self) -> int:
        """A worker's share: the embedded server's connections go round."""
        share = self._embedded_share() * 2 // 3
        return max(LEAST_DIRECT_CONNECTIONS, min(self.database_direct_connections, share))

    @property
    def read_connections(self) -> int:
        share = self._embedded_share() - self.direct_connections
        return max(LEAST_READ_CONNECTIONS, min(self.database_read_connections, share))

    def _embedded_share(self) -> int:
        # One connection of each worker listens.
        total = EMBEDDED_CONNECTIONS if self.is_embedded else 2**31
        return total // self.verbatim_workers - 1


def load_settings(**overrides: Any) -> Settings:
    """Raises InvalidSettings with one line for each wrong setting, never with a secret's value.

    `overrides` are fields by name; None means not given.
    """
    unknown = overrides.keys() - Settings.model_fields.keys()
    if unknown:
        raise TypeError(f"no such settings: {', '.join(sorted(unknown))}")
    given = {name: value for name, value in overrides.items() if value is not None}
    settings, problems = _read(given)
    # Raised out here, so that it carries no ValidationError, which would hold the values.
    if settings is None or problems:
        raise InvalidSettings("\n".join(problems))
    return settings


def _read(given: dict[str, Any]) -> tuple[Settings | None, list[str]]:
    try:
        settings = Settings(**{"_env_file": env_file(), **given})
    except ValidationError as error:
        return None, [
            complaint(detail, Settings.model_fields[str(detail["loc"][0])])
            for detail in error.errors(include_context=False)
        ]
    except UnicodeDecodeError:
        return None, [f"{ENV_FILE_VARIABLE}: expected a file in UTF-8."]
    return settings, _contradictions(settings)


def _contradictions(settings: Settings) -> list[str]:
    problems = []
    if not settings.is_embedded and settings.is_encrypted and settings.event_key is None:
        problems.append(
            "EVENT_KEY: expected with DATABASE_URL; make one with `openssl rand -base64 32` and"
            " keep it, or set VERBATIM_ENCRYPTION=off."
        )
    if settings.is_embedded:
        problems += [
            f"{name.upper()}: expected only together with DATABASE_URL."
            for name in ("database_direct_url", "database_read_url")
            if getattr(settings, name) is not None
        ]
        most = EMBEDDED_CONNECTIONS // (LEAST_DIRECT_CONNECTIONS + LEAST_READ_CONNECTIONS + 1)
        if settings.verbatim_workers > most:
            problems.append(
                f"VERBATIM_WORKERS: expected at most {most} without DATABASE_URL"
                f" (found {settings.verbatim_workers})."
            )
    return problems
