"""The settings of what makes the log provable: its key, and when it signs."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings

from runtime.setting_types import Command, Count, EncryptionKey, Seconds


class AuditSettings(BaseSettings):
    #: The private half of the log's key pair.
    audit_key: EncryptionKey | None = Field(
        None,
        description="32 random bytes in base64 that sign checkpoints of the log. Generated for the "
        "embedded server; with DATABASE_URL and without it nothing is signed.",
    )
    #: Whichever of the two comes first.
    checkpoint_events: Count = Field(
        5_000, description="After how many new events a checkpoint is signed at once."
    )
    #: Of an idle log the last one is signed, then nothing.
    checkpoint_seconds: Seconds = Field(
        10.0, description="How long new events wait for a checkpoint at most."
    )
    #: Split as a shell does, and run without one.
    checkpoint_hook: Command | None = Field(
        None,
        description="Command that is given each new checkpoint on its standard input, to keep it "
        "where nobody who can write the database can.",
    )
