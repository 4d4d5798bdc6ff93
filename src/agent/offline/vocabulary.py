"""The words the assistant knows. Everything is lower case."""

from __future__ import annotations

import re

#: Verbs that open an errand: "buy milk" said alone is a task to add.
ERRAND_VERBS = frozenset(
    """
    arrange ask bake bathe bring brush buy call charge clean collect contact cook deposit do
    download drop email exercise feed fetch file fix fold get go hang hoover install iron join
    mail meet mop mow order pack paint pay phone pick plan post practice practise prepare print
    prune purchase put refill register reply renew rent repair replace reserve return review ring
    sell ship sign sort study submit sweep swap take text tidy upgrade vacuum visit walk wash
    water weed withdraw
    """.split()
)

#: Verbs that open a clause of a list, but said alone may be a wish to the assistant.
OTHER_VERBS = frozenset(
    """
    add apply attend backup book borrow build cancel change check choose compare complete confirm
    create cut debug decide delete deliver deploy design discuss draft draw eat empty end explain
    finalize find finish follow forward give help hire improve invite invoice learn lend let list
    listen lock look make measure merge message migrate move negotiate open organise organize play
    polish present prepare publish push read record refactor remove report request research
    reschedule rewrite run save scan schedule search see send set setup share shop show sing speak
    start stop support switch talk teach tell test thank throw train translate try turn update
    upload use watch wrap write
    """.split()
)

VERBS = ERRAND_VERBS | OTHER_VERBS

#: Verbs that are as often a noun: "bread and water bottles" is not two errands.
NOUN_VERBS = frozenset(
    """
    book call charge cook cut draft drop email file fix hang iron mail message order paint pack
    plan play post present print record report ring run ship shop show text test train visit walk
    wash watch water weed wrap
    """.split()
)

#: Words that carry on a sentence: a comma before them separates no tasks.
CONTINUATIONS = frozenset(
    """
    a an the it its he she they we you this that these those which who whom whose because since
    but so if when while where at on in by for from to before after until not no preferably
    especially ideally maybe with without i my his her their our etc
    """.split()
)

PAST_VERBS = {
    "ate": "eat", "baked": "bake", "been": "go", "begun": "start", "bought": "buy",
    "brought": "bring", "built": "build", "chosen": "choose", "did": "do", "done": "do",
    "drawn": "draw", "drew": "draw", "drove": "drive", "fed": "feed", "found": "find",
    "gave": "give", "given": "give", "gone": "go", "got": "get", "gotten": "get", "held": "hold",
    "hung": "hang", "kept": "keep", "learnt": "learn", "left": "leave", "lent": "lend",
    "made": "make", "met": "meet", "paid": "pay", "ran": "run", "rang": "ring", "rung": "ring",
    "sent": "send", "sold": "sell", "spoke": "speak", "spoken": "speak", "swept": "sweep",
    "taken": "take", "taught": "teach", "threw": "throw", "thrown": "throw", "told": "tell",
    "took": "take", "torn": "tear", "went": "go", "withdrew": "withdraw", "won": "win",
    "wore": "wear", "wrote": "write", "written": "write",
}  # fmt: skip

#: "I wanted ..." tells of a feeling, not of an errand that is over.
NOT_ACHIEVEMENTS = frozenset(
    """
    asked believed decided enjoyed failed felt forgot hated hoped liked looked loved need needed
    planned preferred remembered seemed started supposed thought tired tried used wanted wished
    wondered worried bored interested confused excited annoyed scared
    """.split()
)

#: Words that say nothing about which task is meant.
STOP_WORDS = frozenset(
    """
    a an the my our your his her their its this that these those to of for with in on at by from
    and or is are was were be been am it i we me us you have has had do did not just already
    finally now today yet about some any one ones thing things stuff task tasks item items todo
    todos reminder please up off out
    """.split()
)

#: Getting something is one errand, whatever the verb.
SYNONYMS = {
    "purchase": "buy", "get": "buy", "fetch": "buy", "phone": "call", "ring": "call",
    "mom": "mum", "mother": "mum", "mommy": "mum", "mummy": "mum", "grab": "buy",
}  # fmt: skip

#: ending, shortest word it is cut from, what comes instead
ENDINGS = (("ies", 5, "y"), ("ied", 5, "y"), ("ing", 6, ""), ("ed", 5, ""), ("s", 4, ""))

NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "first": 1, "second": 2, "third": 3,
    "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10,
    "top": 1, "last": -1, "final": -1, "bottom": -1, "latest": -1,
}  # fmt: skip


def pattern(source: str) -> re.Pattern[str]:
    """Ignores case; an apostrophe may be straight, curly or left out."""
    return re.compile(re.sub(r"'(?=[a-z])", "['’]?", source), re.IGNORECASE | re.DOTALL)


def is_past(word: str) -> bool:
    if word in NOT_ACHIEVEMENTS:
        return False
    return word in PAST_VERBS or (len(word) > 4 and word.endswith("ed") and word != "indeed")


def stem(word: str) -> str:
    """A crude common form: bought, buys and buying all give buy."""
    word = PAST_VERBS.get(word, word)
    word = SYNONYMS.get(word, word)
    for ending, least, instead in ENDINGS:
        if len(word) >= least and word.endswith(ending) and not word.endswith("ss"):
            word = word.removesuffix(ending) + instead
            break
    # "stopped" and "stop", "baked" and "bake" meet without the doubled letter and the last e.
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeols":
        word = word[:-1]
    word = word[:-1] if len(word) > 3 and word.endswith("e") else word
    return SYNONYMS.get(word, word)
