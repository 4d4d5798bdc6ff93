""" "Add eggs", "remind me to call mum", "I need to renew my passport" """

from __future__ import annotations

import re

from agent.offline.intents import Add, Draft, Intent, Suggest
from agent.offline.phrasing import clean_title, split_titles, words_of
from agent.offline.rules.rule import LIST, TASKS, rule
from agent.offline.vocabulary import pattern

_NEW_TASK = (
    r"(?:(?:an? |another |one more |the |this )?(?:new )?(?:one(?= ?:)|task|todo|to-do|to do|item"
    r"|reminder))"
)
_TAIL = (
    rf"(?: too| as well)?(?: (?:to|on|onto|in|into) {LIST}| as an? (?:new )?(?:task|todo|to-do"
    rf"|item))?"
)
_COUNT = r"(?:these|the following|some|two|three|four|five|six|seven|eight|nine|ten|\d{1,2}) "
_NOTES = pattern(
    r",?(?: -)?(?: (?:with|and|plus))?(?: the| an?)? notes?(?: saying| that says)?:? (.+)$"
)
_WISHES_TO_TALK = frozenset("know ask say tell understand thank talk speak admit hear be".split())


def _add(match: re.Match[str]) -> Intent | None:
    title = match["title"] or ""
    notes = _NOTES.search(title)
    titles = split_titles(title[: notes.start()] if notes else title)
    if notes and len(titles) == 1:
        return Add((Draft(titles[0], clean_title(notes[1])),))
    return Add(tuple(Draft(title) for title in titles))


def _remind(match: re.Match[str]) -> Intent | None:
    return Add(tuple(Draft(title) for title in split_titles(match["title"])), is_reminder=True)


def _owe(match: re.Match[str]) -> Intent | None:
    title = match["title"] or match["title2"] or match["title3"]
    if words_of(title)[:1] and words_of(title)[0] in _WISHES_TO_TALK:
        return None
    return Add(tuple(Draft(each) for each in split_titles(title)))


def _want(match: re.Match[str]) -> Intent | None:
    return Suggest(clean_title(match["title"]))


RULES = (
    rule(_add, rf"(?:{_NEW_TASK}|tasks|todos|note to self)(?: ?: ?| - )(?P<title>.+)"),
    rule(_add, r"(?:todo|to-do):? (?P<title>.+)"),
    rule(_add, r"\+ ?(?P<title>[^\W\d].*)"),
    rule(
        _remind,
        r"remind me(?: again)?(?: to| about| that i (?:need|have) to| that| of|:)? (?P<title>.+)",
    ),
    rule(
        _remind,
        r"(?:set|create|make|add)(?: me)?(?: up)?(?: a| another)? reminder(?: for me)?"
        r" (?:to|for|about|that) (?P<title>.+)",
    ),
    rule(
        _add,
        rf"(?:add|create|make|insert|i want|i'd like|give me)(?: me)? {_NEW_TASK}(?: for me)?"
        rf"(?: (?:to|on|in) {LIST})?"
        r"(?: (?:called|named|titled|saying|to|for|of|about|that says|with the title)\b)?"
        rf"(?:[ :,-]+(?P<title>.*?){_TAIL})?",
    ),
    rule(
        _add,
        rf"(?:add|create|make|insert)(?: me)? (?:{_COUNT})?(?:new )?{TASKS}"
        rf"(?: (?:to|on) {LIST})?(?: to)?[ :,\n-]+(?P<title>.+)",
    ),
    rule(
        _add,
        r"(?:add|insert|include|append|jot down|note down|write down|put down)"
        r"(?: that (?:i|we) (?:need|have|must)(?: to)?)?"
        rf"(?: (?:the following|these))?(?: to {LIST})?(?:[ :,\n-]+(?P<title>.*?){_TAIL})?",
    ),
    rule(_add, rf"create (?:task|tasks|todo)[ :]+(?P<title>.+?){_TAIL}"),
    rule(_add, rf"(?:put|stick|throw|set) (?P<title>.+?) (?:on|onto|in|into) {LIST}"),
    rule(_add, r"(?:make|take) a note (?:to|that i (?:need|have) to) (?P<title>.+)"),
    rule(
        _add,
        r"(?:don't let me forget|don't forget|do not forget|remember|make sure"
        r"|i (?:must not|mustn't|can't) forget)(?: to| about| i)? (?P<title>.+)",
    ),
    rule(
        _owe,
        r"(?:i|we)(?: also| still| really| just)*"
        r" (?:have got to|need to|have to|ought to|must|should|gotta|got to|had better)"
        r"(?: also| still| really| remember to)* (?P<title>.+)",
        r"(?:i|we)(?:'ve got to|'d better) (?P<title2>.+)",
        r"(?:also |still )?(?:need to|have to|gotta|got to|must) (?P<title3>(?!i |we ).+)",
    ),
    rule(_want, r"(?:i|we)(?: also| still| really)* (?:need|want)(?: to)? (?P<title>.+)"),
)
