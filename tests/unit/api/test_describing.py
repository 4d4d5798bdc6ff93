from __future__ import annotations

import tomllib
from pathlib import Path

from api.describing import API_VERSION

ROOT = Path(__file__).parents[3]


def test_described_version_is_the_released_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == API_VERSION
