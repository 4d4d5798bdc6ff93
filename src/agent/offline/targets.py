"""Which task a phrase points at: a place on a list, a whole group, or words of a title."""

from __future__ import annotations

import re

from agent.offline.intents import ByNumber, ByScope, ByWords, Scope, Target
from agent.offline.phrasing import unquote
from agent.offline.vocabulary import NUMBERS, pattern

MOST_NUMBERS = 50

_DONE = r"(?:done|finished|completed?|ticked off|checked off|crossed off|closed)"
_TASKS = r"(?:tasks?|items?|todos?|to-dos?|to dos?|things?|stuff|ones?|entries|reminders?|list)"
_OWN = r"(?:my |the |of my |of the |these |those )?"

_SCOPES: tuple[tuple[re.Pattern[str], Scope], ...] = (
    (
        pattern(
            rf"(?:everything|anything|all|(?:all )?{_OWN}{_TASKS}|the ones|all of them|those)"
            r"(?: that| which)?(?: is| are|'s| were| has been| have been| i| i've| i have)"
            rf"(?: already| just)? {_DONE}"
        ),
        "completed",
    ),
    (pattern(rf"(?:all |every )?{_OWN}{_DONE}(?: {_TASKS})?"), "completed"),
    (
        pattern(rf"(?:all |every )?{_OWN}(?:pending|open|unfinished|remaining)(?: {_TASKS})?"),
        "pending",
    ),
    (pattern(r"(?:the )?both(?: of (?:them|those))?|both tasks|the two|those two|the two"), "both"),
    (pattern(r"them|those|these|all (?:two|three|four) of them|those ones|these ones"), "both"),
    (
        pattern(
            rf"everything|all|every(?: single)? {_TASKS}|all {_OWN}{_TASKS}"
            r"|all of (?:it|them|those)|them all|it all|the lot"
            rf"|{_OWN}(?:whole |entire |full )?(?:to-?do |task |shopping )?list"
            rf"|{_OWN}(?:tasks|todos|to-dos|things|items)|everything (?:on|from|in) (?:my|the) list"
        ),
        "all",
    ),
    (pattern(r"it|that|this|that one|this one|that task|this task|the task|the same"), "it"),
)

_NUMBER_WORD = "|".join(NUMBERS)
_NUMBER = (
    rf"(?:\#|no\.? ?|nr\.? ?|number |task |item |todo )*(?:\d{{1,4}}(?:st|nd|rd|th)?"
    rf"|{_NUMBER_WORD})"
)
_NUMBERS = pattern(
    rf"(?:the |my |tasks |items |numbers )*{_NUMBER}"
    rf"(?:(?: ?, ?and | ?, ?| and | & | ?- ?| to | through )(?:the )?{_NUMBER})*"
    r"(?: (?:one|ones|task|tasks|item|items|of them|on the list|in the list))*"
)
_FEW = pattern(
    rf"(?:the |my )?(first|top|last) (\d{{1,2}}|{_NUMBER_WORD})(?: (?:tasks|items|ones))?"
)
_RANGE = re.compile(r"(\d+)(?: ?- ?| to | through )(\d+)", re.IGNORECASE)
_ONE_NUMBER = re.compile(rf"(\d{{1,4}})|\b({_NUMBER_WORD})\b", re.IGNORECASE)

_LEADING = pattern(
    r"(?:the|my|that|this|a|an|our|(?:task|item|todo)(?: called| named)?|of|with)\b[: ]*"
)
_TRAILING = pattern(
    r"(?:[, ]+(?:tasks?|items?|todos?|to-dos?|reminder|one|thing|stuff|too|as well|now|already"
    r"|today|yet|(?:from|off|on|in) (?:my|the) (?:[\w-]+ )?list|from there))[ .!]*$"
)


def parse_target(text: str) -> Target | None:
    """None when nothing is left to point with."""
    text = text.strip().strip(",;:.!? ")
    if quoted := unquote(text):
        return ByWords(quoted)
    if exact := parse_pointer(text):
        return exact
    bare = _bare(text)
    if not bare:
        return None
    quoted = unquote(bare)
    return ByWords(quoted) if quoted else parse_pointer(bare) or ByWords(bare)


def parse_pointer(text: str) -> ByNumber | ByScope | None:
    """Only what points without naming: "2", "the first one", "both", "everything"."""
    text = text.strip(" .,!?:")
    if numbers := _numbers(text):
        return ByNumber(numbers)
    for scope_pattern, scope in _SCOPES:
        if scope_pattern.fullmatch(text):
            return ByScope(scope)
    return None


def _bare(text: str) -> str:
    while match := _TRAILING.search(text[-40:]):
        text = text[: len(text) - len(match.group())]
    while match := _LEADING.match(text):
        text = text[match.end() :]
    return text.strip(" .,!?:")


def _numbers(text: str) -> tuple[int, ...]:
    if len(text) > 200:
        return ()
    if few := _FEW.fullmatch(text):
        count = min(_value(few.group(2)), MOST_NUMBERS)
        if few.group(1).casefold() == "last":
            return tuple(range(-count, 0))
        return tuple(range(1, count + 1))
    if not _NUMBERS.fullmatch(text):
        return ()
    text = _RANGE.sub(_spelled_out, text)
    found = [_value(match.group()) for match in _ONE_NUMBER.finditer(_without_nouns(text))]
    return tuple(dict.fromkeys(found))[:MOST_NUMBERS]


def _without_nouns(text: str) -> str:
    return re.sub(r"(?<=[a-z\d]) ones?\b", "", text, flags=re.IGNORECASE)


def _spelled_out(match: re.Match[str]) -> str:
    first, last = int(match.group(1)), int(match.group(2))
    return ", ".join(str(number) for number in range(first, min(last, first + MOST_NUMBERS) + 1))


def _value(word: str) -> int:
    word = word.casefold()
    return int(word) if word.isdigit() else NUMBERS.get(word, 0)
