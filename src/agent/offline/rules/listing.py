""" "What's left?", "show my tasks", "what did I finish?" """

from __future__ import annotations

from agent.offline.intents import Show
from agent.offline.rules.rule import DONE, TASKS, always, rule

_SEE = (
    r"(?:(?:show|list|display|see|view|print|read|check|give|tell|get|open|let me see|look at)"
    r"(?: me)?(?: (?:all|of|my|the|our|out|only|just|any|what's|what is|what are|which are))*)"
)
_LEFT = (
    r"(?:left|remaining|open|pending|outstanding|unfinished|incomplete|undone|not done|still open)"
)
_TIME = (
    r"(?: (?:for |on )?(?:today|now|tonight|tomorrow|this week|at the moment|right now|so far|yet"
    r"|already|next|here|then|still|left|else|again|first|on my list|to do))*"
)
_OWN = r"(?:my |the |all |our |only |full |whole |complete |current )*"

RULES = (
    rule(
        always(Show("completed", is_count=True)),
        rf"how many (?:{TASKS} )?(?:are|is|have i|did i|i've)? ?(?:already )?"
        rf"(?:{DONE}|finish|complete|do){_TIME}",
        rf"how many (?:{DONE}) {TASKS}.*",
    ),
    rule(
        always(Show("pending", is_count=True)),
        rf"how many (?:[\w-]+ )?(?:{TASKS}|{_LEFT})\b.*",
        r"how many (?:do i have|are there|more)\b.*",
        r"how much (?:is left|do i have left|is there to do).*",
    ),
    rule(
        always(Show("pending")),
        r"(?:what(?:'s| is| are|)|anything|is (?:there )?anything|what else is|anything else)"
        rf"(?: still| is)* (?:{_LEFT}|next|due|up next|to do|on my plate){_TIME}",
        r"what(?: else)? (?:do|should|must|can|am|have|shall) (?:i|we)"
        r"(?: (?:still|have|need|got|supposed|left|ought|to))*"
        rf" (?:do|get done|finish|be doing|work on|left){_TIME}",
        rf"(?:{_SEE} )?{_OWN}{_LEFT}(?: {TASKS})?{_TIME}",
        rf"{_SEE} (?:everything|anything|all|the ones)(?: that)?(?:'s| is| are)?"
        rf"(?: still)? {_LEFT}{_TIME}",
        rf"am i (?:all )?(?:done|finished)(?: with everything)?{_TIME}",
        rf"(?:which|what)(?: {TASKS})?(?: are| is|'s)?(?: still)? {_LEFT}{_TIME}",
        rf"(?:do i (?:still )?have|have i(?: got)?|are there|is there)(?: still)?"
        rf" (?:anything|something|any(?: {_LEFT})? {TASKS})(?: still)?(?: {_LEFT}| to do){_TIME}",
    ),
    rule(
        always(Show("completed")),
        r"what(?:'ve| have| did|)(?: all)? i(?:'ve| have)?(?: already| just| actually)?"
        r" (?:got |get )?(?:finish(?:ed)?|done?|completed?|achieved?|accomplish(?:ed)?|ticked off)"
        rf"{_TIME}",
        rf"{_SEE} {_OWN}{DONE}(?: {TASKS})?{_TIME}",
        rf"{_OWN}{DONE} {TASKS}",
        rf"(?:which|what)(?: {TASKS})?(?: are| is|'s| was| were| got| have i| did i)?"
        rf"(?: already)? {DONE}{_TIME}",
    ),
    rule(
        always(Show("all")),
        rf"(?:{_SEE} )?{_OWN}{TASKS}{_TIME}(?: list)?",
        rf"(?:list|show|display|see)(?: me)?"
        rf"(?: all| everything| it all| them| them all| all of them)?{_TIME}",
        rf"{_SEE} (?:everything|them|them all){_TIME}",
        r"(?:what(?:'s| is| are|)|(?:show|tell) me what's)(?: all)? (?:on |in )?(?:my|the|our)"
        rf" (?:current |whole |full )?(?:[\w-]+ )?{TASKS}(?: list)?{_TIME}",
        rf"what {TASKS} (?:do i|have i|are there|is there)\b.*",
        rf"(?:do i|have i) (?:still )?(?:have|got)(?: any| some)? {TASKS}{_TIME}",
        rf"any {TASKS}{_TIME}",
        rf"what do i have{_TIME}",
    ),
)
