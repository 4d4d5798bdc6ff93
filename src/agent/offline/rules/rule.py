from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from agent.offline.intents import ByScope, Intent, Target
from agent.offline.targets import parse_target
from agent.offline.vocabulary import pattern

Build = Callable[[re.Match[str]], Intent | None]

TASKS = r"(?:tasks?|items?|todos?|to-dos?|to dos?|to-?do list|things?|lists?|stuff|reminders?|ones)"
DONE = r"(?:done|finished|completed?|sorted|ticked off|checked off)"
LIST = r"(?:(?:my|the|our) (?:[\w-]+ ){0,2}?(?:lists?|tasks|todos|to-dos))"


@dataclass(frozen=True, slots=True)
class Rule:
    pattern: re.Pattern[str]
    build: Build

    def read(self, text: str) -> Intent | None:
        """None when the text does not match, or matches but means nothing of the kind."""
        match = self.pattern.fullmatch(text)
        return self.build(match) if match else None


def rule(build: Build, *alternatives: str) -> Rule:
    return Rule(pattern("|".join(f"(?:{source})" for source in alternatives)), build)


def always(intent: Intent) -> Build:
    return lambda match: intent


def targeted(make: Callable[[Target], Intent]) -> Build:
    """Takes the group `target`; without one the user named no task."""

    def build(match: re.Match[str]) -> Intent | None:
        text = match["target"]
        target = parse_target(text) if text else ByScope("unspecified")
        return make(target) if target else None

    return build
