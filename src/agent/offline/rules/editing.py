""" "Rename milk to oat milk", "add a note to milk: 2 litres" """

from __future__ import annotations

import re

from agent.offline.intents import Annotate, ByScope, Intent, Rename
from agent.offline.phrasing import clean_title
from agent.offline.rules.rule import Build, rule
from agent.offline.targets import parse_target
from agent.offline.vocabulary import pattern

_NOTE = r"(?:notes?|comments?|description)"
_PUT = r"(?:add|put|attach|write|leave|make)"
_TO = pattern(r" (?:to say|to be|to|into|as|with|->|→|=>) ")
_QUOTED_HALVES = pattern(
    r"(?P<before>[^\"“”]*[\"“][^\"“”]+[\"”]) (?:to say|to be|to|into|as|with) (?P<after>.+)"
)


def _rename(match: re.Match[str]) -> Intent | None:
    before, after = _halves(match["both"].removesuffix(" instead"))
    target = parse_target(before)
    return Rename(target, clean_title(after)) if target else None


def _rename_it(match: re.Match[str]) -> Intent | None:
    return Rename(ByScope("it"), clean_title(match["title"]))


def _annotate(*, is_replacing: bool) -> Build:
    def build(match: re.Match[str]) -> Intent | None:
        target = parse_target(match["target"])
        notes = clean_title(match.groupdict().get("notes") or "")
        return Annotate(target, notes, is_replacing) if target else None

    return build


def _halves(text: str) -> tuple[str, str]:
    """Cuts at the middle one of its "to"s, because titles may hold the word as well."""
    if quoted := _QUOTED_HALVES.fullmatch(text):
        return quoted["before"], quoted["after"]
    places = list(_TO.finditer(text))
    if not places:
        return text, ""
    middle = places[len(places) // 2]
    return text[: middle.start()], text[middle.end() :]


NOTE_RULES = (
    rule(
        _annotate(is_replacing=False),
        rf"{_PUT} (?:an? |the |this |some )?(?:new )?{_NOTE} (?:to|on|for|at|in) (?P<target>.+?)"
        r"(?: ?: ?| - | saying (?:that )?| that says | that | ?, )(?P<notes>.+)",
    ),
    rule(
        _annotate(is_replacing=False),
        rf"{_PUT} (?:an? |the |this )?(?:{_NOTE}:? )?(?P<notes>[\"“][^\"“”]+[\"”])"
        r"(?: as an? note)? to (?:the notes? (?:of|on|for) )?(?P<target>(?!my "
        r"|the (?:\w+ )?list).+)",
    ),
    rule(
        _annotate(is_replacing=False),
        rf"{_PUT} (?:an? |the )?{_NOTE}:? (?P<notes>.+?) (?:to|on) (?P<target>.+)",
    ),
    rule(
        _annotate(is_replacing=False),
        rf"{_PUT} (?P<notes>.+?) to the {_NOTE} (?:of|on|for|in) (?P<target>.+)",
    ),
    rule(
        _annotate(is_replacing=True),
        rf"(?:set|change|update|replace) the {_NOTE} (?:of|on|for) (?P<target>.+?)"
        r"(?: to |: ?| as | with )(?P<notes>.+)",
    ),
    rule(
        _annotate(is_replacing=True),
        rf"(?:remove|delete|clear) the {_NOTE} (?:of|on|for|from) (?P<target>.+)",
    ),
    rule(
        _annotate(is_replacing=False),
        rf"{_NOTE} (?:to|on|for) (?P<target>.+?)(?: ?: ?| - )(?P<notes>.+)",
    ),
)

TITLE_RULES = (
    rule(_rename, r"(?:rename|retitle|reword)(?: task)? (?P<both>.+)"),
    rule(
        _rename,
        r"(?:change|update|edit|replace|correct) (?:the )?(?:title|name) of (?P<both>.+)",
    ),
    rule(
        _rename,
        r"(?:change|update|edit|replace|correct|turn)"
        r" (?P<both>.+? (?:to|with|into|->|→|=>) .+)",
    ),
    rule(
        _rename_it,
        r"(?:make|call) (?:it|that|this)(?: one)?(?: to| into)? (?P<title>.+?)(?: instead)?",
    ),
)
