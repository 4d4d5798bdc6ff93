"""What some tests need beside Python: without it they are skipped, or fail where all must run."""

from __future__ import annotations

import os
from typing import TypeVar

import pytest

REQUIRE_ALL = "VERBATIM_REQUIRE_ALL"

T = TypeVar("T")


def require(found: T | None, name: str) -> T:
    """What was found; else a skip, or a failure with VERBATIM_REQUIRE_ALL=1."""
    if found is not None:
        return found
    if os.environ.get(REQUIRE_ALL) == "1":
        pytest.fail(f"{REQUIRE_ALL} is 1, but {name} is not installed", pytrace=False)
    pytest.skip(f"{name} is not installed")
