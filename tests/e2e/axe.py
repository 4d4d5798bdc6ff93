"""Deque's axe, which the site's packages bring: what of a page keeps people out of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.requirements import require

SOURCE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")


def grave_findings(page: Page) -> list[str]:
    """Rule and place of all that axe calls serious or critical, inside the chat element too.

    The script comes by the debugger, which no Content-Security-Policy stops.
    """
    axe = require(SOURCE if SOURCE.exists() else None, "axe (scripts/check brings it)")
    page.evaluate(axe.read_text())
    found: dict[str, Any] = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]
