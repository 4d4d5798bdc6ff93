""" "Delete the milk task", "clear all", "undo that" """

from __future__ import annotations

from agent.offline.intents import ByScope, Delete, Undo
from agent.offline.rules.rule import DONE, LIST, TASKS, always, rule, targeted

UNDO_RULES = (
    rule(
        always(Undo()),
        r"(?:oops|whoops|ups|sorry)?[ ,!.]*(?:no,? )?(?:please )?(?:undo|revert)"
        r"(?: (?:that|it|this|again|(?:the |my )?last(?: \w+)?|what (?:you|i) (?:just )?did"
        r"|the (?:change|deletion|removal|completion|renaming|edit|action)))?",
        r"(?:no,? )?take (?:that|it) back",
        r"(?:sorry,? )?(?:that|it) was (?:a|my) mistake|my mistake|that was wrong",
        r"oops|whoops|scratch that|ctrl[ +-]?z|roll (?:that )?back",
        r"(?:put|bring) (?:it|them|that) back",
        r"i (?:didn't|did not) mean (?:that|it|to do that)",
    ),
)

RULES = (
    rule(targeted(Delete), rf"(?:take|remove|drop) (?P<target>.+?) (?:off|from)(?: of)? {LIST}"),
    rule(
        targeted(Delete),
        r"(?:delete|remove|erase|scrap|get rid of|discard|forget about|forget|ditch)"
        r"(?: (?P<target>.+))?",
    ),
    # "Cancel the gym membership" and "empty the dishwasher" are errands; these are not.
    rule(
        targeted(Delete),
        r"(?:cancel|drop|clear|empty|wipe|reset)(?: out)?"
        r" (?P<target>.+ (?:task|reminder|todo|item)|(?:everything|all)(?: .+)?"
        rf"|{LIST}|(?:all )?(?:of )?(?:my |the )?(?:{DONE} )?{TASKS}|(?:all )?{DONE})",
    ),
    rule(
        always(Delete(ByScope("all"))),
        r"start (?:over|again|afresh|from scratch)|clear|wipe|reset|clean slate",
    ),
)
