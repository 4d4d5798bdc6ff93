""" "Done with milk", "I've bought the milk", "mark 2 as done"; and "reopen milk" """

from __future__ import annotations

import re

from agent.offline.intents import ByScope, ByWords, Complete, Intent, Reopen
from agent.offline.phrasing import words_of
from agent.offline.rules.rule import DONE, LIST, always, rule, targeted
from agent.offline.targets import parse_target
from agent.offline.vocabulary import is_past

LONGEST_CLAIM_WORDS = 4

#: "Mum called" is not "I called mum".
_REACHING_OUT = frozenset("called phoned rang texted emailed wrote messaged visited".split())
_DOING = frozenset("did done finished completed got had made".split())
_UNDONE = (["got", "to"], ["had", "to"], ["did", "i"], ["did", "you"], ["did", "we"])
_TELLING = frozenset("that about by in with".split())
_BEFORE = r"(?: also| just| already| finally| now| actually| really)*"
_AFTER = (
    r"(?: now| today| already| yesterday| earlier| this morning| too| as well| finally"
    r"|[^\w\s\"“”'’)])*"
)


def _past(match: re.Match[str]) -> Intent | None:
    """ "I bought the milk": the verb is in the past and has an object."""
    text = match["target"]
    words = words_of(text[:200])
    if len(words) < 2 or not is_past(words[0]) or words[:2] in _UNDONE or words[1] in _TELLING:
        return None
    target = parse_target(text.split(" ", 1)[1] if words[0] in _DOING else text)
    return Complete(target, is_claim=True) if target else None


def _ends_past(match: re.Match[str]) -> Intent | None:
    """ "Passport renewed"."""
    words = words_of(match["target"][:200])
    if not 1 < len(words) <= LONGEST_CLAIM_WORDS or not is_past(words[-1]):
        return None
    if words[-1] in _REACHING_OUT:
        return None
    return Complete(ByWords(match["target"]), is_claim=True)


REOPEN_RULES = (
    rule(
        targeted(Reopen),
        r"(?:reopen|re-open|unmark|uncheck|untick|un-?complete|restore|undo|bring back)"
        r"(?: (?P<target>.+?))?(?: again)?",
    ),
    rule(
        targeted(Reopen),
        r"(?:mark|set|flag|change|put|move) (?P<target>.+?)(?: back)?(?: as| to)?"
        r" (?:(?:not |un|in)(?:done|complete|completed|finished)|pending|open|to ?do)"
        r"(?: again| yet)?",
    ),
    rule(
        targeted(Reopen),
        r"(?P<target>.+?) (?:isn't|is not|aren't|are not|wasn't|was not|weren't|were not|not)"
        rf" (?:yet |actually |really )?{DONE}(?: yet| after all)?",
    ),
    rule(
        targeted(Reopen),
        r"(?:i|we) (?:haven't|have not|didn't|did not|hadn't)(?: yet| actually| really)?"
        r" (?:finish(?:ed)? |completed? |done? )?(?P<target>.+?)(?: yet| after all)?",
    ),
)

RULES = (
    *REOPEN_RULES,
    rule(
        always(Complete(ByScope("all"))),
        r"(?:i'm |i am |we're |we are |it's |that's )?all (?:done|finished)(?: now)?",
    ),
    rule(
        always(Complete(ByScope("unspecified"))),
        r"(?:i'm |i am |we're |we are )?(?:now |just |already )*"
        r"(?:done|finished|complete)(?: now)?",
    ),
    rule(
        targeted(Complete),
        r"(?:i'm |i am |we're |we are |i |i've |i have )?(?:all |now |just |already )*"
        r"(?:done|finished|through|completed)(?: with| doing|:| -)? (?P<target>.+)",
    ),
    rule(
        targeted(Complete),
        rf"(?:mark|set|flag|put|move)(?: off)? (?P<target>.+?)(?: as| to| is| off as)? {DONE}",
    ),
    rule(targeted(Complete), rf"(?:mark|flag|set) (?:as |off )?{DONE}:? (?P<target>.+)"),
    rule(
        targeted(Complete),
        r"(?:tick|check|cross|strike|mark|scratch) (?P<target>.+?) (?:off|out)"
        rf"(?: (?:of )?{LIST})?",
    ),
    rule(
        targeted(Complete),
        r"(?:tick off|check off|cross off|cross out|strike off|mark off|tick|strike|complete|finish"
        r"|close|resolve|finalize|finalise)(?: (?P<target>.+))?",
    ),
    rule(
        targeted(Complete),
        r"(?P<target>.+?)(?:'s| is| are| was| has been| have been| were|:| -)?"
        rf"(?: all| now| already| just| finally| both)* {DONE}{_AFTER}",
    ),
    rule(targeted(Complete), r"(?P<target>.+?)[ :-]*[✅✓✔☑]\ufe0f?"),
    rule(targeted(Complete), r"[✅✓✔☑]\ufe0f? ?(?P<target>.+)"),
    rule(_ends_past, rf"(?P<target>[^?]+?){_AFTER}"),
    rule(_past, rf"(?:(?:i|we)(?:'ve| have)?|have)?{_BEFORE} ?(?P<target>.+?){_AFTER}"),
)
