"""Taking "hey, could you please" and "for me, thanks" away from around a request."""

from __future__ import annotations

from agent.offline.vocabulary import pattern

_OPENING = pattern(
    r"(?:please|pls|plz|kindly|hey|hi|hello|yo|ok|okay|so|well|right|alright|now|then|and|also|oh"
    r"|um|no,? wait|wait|no(?=,)|sorry|great|cool|perfect|thanks|thank you|assistant|actually|just"
    r"|let's"
    r"|(?:could|can|would|will) (?:you|u)(?: (?:also|just))?"
    r"|i'd like you to|i want you to|i would like you to|i need you to|go ahead and)\b[ ,!.:]*"
)
_YIELDING = pattern(
    r"(?:(?:show|tell|let) me(?: know)? (?=what|which|how many)"
    r"|you can(?: now)? (?=(?:add|mark|delete|remove|tick|check|cross|complete|rename|reopen)\b))"
)
_WISH = pattern(
    r"(?:i'd like to|i would like to|i want to|i wanna|can i|could i|may i|i need to|we want to)"
    r" (?=(?:see|view|add|mark|rename|undo|reopen|show|list)\b)"
)
_STRONG_WISH = pattern(
    r"(?:i'd like to|i would like to|i want to|i wanna|can i|could i) (?=(?:delete|remove|clear)\b)"
)
_CLOSING = pattern(
    r"[ ,]*(?:\bplease|\bpls|\bplz|\bthanks|\bthank you|\bthx|\bfor me(?: please)?|\bif you can)"
    r"[ .!?]*$"
)


def strip_courtesy(text: str) -> str:
    """Never takes everything: "thanks" alone stays."""
    text = text.strip()
    while match := _OPENING.match(text):
        if not text[match.end() :].strip(" .,!?"):
            break
        text = text[match.end() :]
    while match := _CLOSING.search(text[-40:]):
        rest = text[: len(text) - len(match.group())]
        if not rest.strip(" .,!?"):
            break
        text = rest
    for wish in (_YIELDING, _WISH, _STRONG_WISH):
        text = wish.sub("", text, count=1) if wish.match(text) else text
    return text.strip()
