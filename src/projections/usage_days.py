"""The days whose usage is told when nobody says which."""

from __future__ import annotations

from datetime import date

DAYS = 30


def first_day(last: date) -> date:
    """So that there are DAYS of them, both ends counted."""
    return date.fromordinal(max(1, last.toordinal() - DAYS + 1))
