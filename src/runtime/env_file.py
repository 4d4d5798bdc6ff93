"""The file that settings may be read from beside the environment."""

from __future__ import annotations

import os
from pathlib import Path

from runtime.errors import InvalidSettings

ENV_FILE_VARIABLE = "VERBATIM_ENV_FILE"


def env_file() -> Path | None:
    name = os.environ.get(ENV_FILE_VARIABLE)
    if not name:
        return None
    if not Path(name).is_file():
        raise InvalidSettings(f"{ENV_FILE_VARIABLE}: expected a file, and there is none at {name}.")
    return Path(name)
