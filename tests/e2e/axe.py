"""Deque's axe, which the site's packages bring: what of a page keeps people out of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

SOURCE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")


def grave_findings(page: Page) -> list[str]:
    """Rule and place of all that axe calls serious or critical, inside the chat element too.

    The script comes by the debugger, which no Content-Security-Policy stops.
    """
    if not SOURCE.exists() and not os.environ.get("VERBATIM_REQUIRE_ALL"):
        pytest.skip("the site's packages are not installed: run scripts/check once")
    page.evaluate(SOURCE.read_text())
    found: dict[str, Any] = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]
