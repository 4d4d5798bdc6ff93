"""The settings of sending: how often, how much, and what a second message does."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from runtime.setting_types import Count


class SendSettings(BaseSettings):
    #: Messages a minute.
    verbatim_rate_limit: Count = Field(
        60, description="How many messages a user may send in a minute."
    )
    #: Each worker process grants it anew.
    verbatim_request_limit: Count = Field(
        300,
        description="How many tool requests a user may send to /mcp in a minute, and how many "
        "attachments announce.",
    )
    #: Waiting ones count as well.
    verbatim_run_limit: Count = Field(
        100, description="How many replies of a user may be unfinished at a time."
    )
    #: Input and output together, by the day in UTC.
    verbatim_token_limit: Count = Field(
        10_000_000, description="How many tokens a user's replies may take in a day."
    )
    #: A message that arrives while a run is under way.
    verbatim_multiple_sends: Literal["enqueue", "reject", "interrupt"] = Field(
        "enqueue",
        description="What becomes of a message sent during a run, unless the request says so: "
        "enqueue, reject with 409, or interrupt the run.",
    )
