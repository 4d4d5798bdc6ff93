"""What a benchmark says: one line a measure, judged by its ratio to a named baseline."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on the ratio (or on the value, where nothing is compared)."""

    wanted: float
    #: Not reaching this is a failure rather than a disappointment.
    bearable: float
    is_upper: bool = False

    def is_met(self, number: float) -> bool:
        return self._holds(number, self.wanted)

    def is_borne(self, number: float) -> bool:
        return self._holds(number, self.bearable)

    def _holds(self, number: float, bound: float) -> bool:
        return number <= bound if self.is_upper else number >= bound

    def __str__(self) -> str:
        sign = "<=" if self.is_upper else ">="
        if self.wanted == self.bearable:
            return f"{sign} {self.wanted:g}"
        side = "above" if self.is_upper else "below"
        return f"{sign} {self.wanted:g} (not {side} {self.bearable:g})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    measure: str
    value: float
    unit: str
    #: The baseline, and what it reached in the same rounds.
    against: str | None = None
    baseline: float | None = None
    ratio: float | None = None
    goal: Goal | None = None

    @property
    def met(self) -> bool | None:
        return None if self.goal is None else self.goal.is_met(self._judged)

    @property
    def verdict(self) -> str:
        if self.goal is None:
            return ""
        if self.goal.is_met(self._judged):
            return "met"
        return "borne" if self.goal.is_borne(self._judged) else "missed"

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": self.measure,
            "value": round(self.value, 3),
            "unit": self.unit,
            "against": self.against,
            "baseline": None if self.baseline is None else round(self.baseline, 3),
            "ratio": None if self.ratio is None else round(self.ratio, 3),
            "goal": None if self.goal is None else str(self.goal),
            "met": self.met,
        }

    @property
    def _judged(self) -> float:
        return self.value if self.ratio is None else self.ratio


@dataclass(frozen=True, slots=True)
class Rate:
    per_second: float
    #: Of single operations, in seconds and in order.
    latencies: Sequence[float] = ()


def percentile(in_order: Sequence[float], share: float) -> float:
    return in_order[min(len(in_order) - 1, int(len(in_order) * share))]


def compared(
    measure: str,
    unit: str,
    values: Sequence[float],
    against: str,
    baselines: Sequence[float],
    goal: Goal | None = None,
) -> Measure:
    """Values of interleaved rounds: the ratio is the median of the rounds' own ratios."""
    ratios = [value / base for value, base in zip(values, baselines, strict=True)]
    return Measure(
        measure=measure,
        value=statistics.median(values),
        unit=unit,
        against=against,
        baseline=statistics.median(baselines),
        ratio=statistics.median(ratios),
        goal=goal,
    )
