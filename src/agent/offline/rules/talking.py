""" "Hello", "who are you?", "yes", "never mind": no task in sight."""

from __future__ import annotations

from agent.offline.intents import Confirm, Decline, SmallTalk
from agent.offline.rules.rule import always, rule

#: Tried on the text without its punctuation and emoji.
TALK_RULES = (
    rule(
        always(SmallTalk("identity")),
        r"(?:who|what) (?:are|r) (?:you|u)",
        r"are you (?:a |an |the )?(?:real |actual )?(?:ai|bot|robot|human|person|machine|chat ?gpt"
        r"|gpt.{0,6}|llm|(?:large )?language model|claude|gemini)",
        r"what(?:'s| is) your name|what model (?:are you|is this)|(?:who|what) is this",
        r"am i (?:talking|speaking|chatting) (?:to|with) (?:a|an) .{1,30}",
        r"introduce yourself|who (?:made|built) you|tell me about yourself",
    ),
    rule(
        always(SmallTalk("help")),
        r"(?:please )?help(?: me)?(?: please)?|i need help|commands|options|usage|instructions",
        r"what (?:can|could) (?:you|i|u) (?:do|say|ask)(?: here| for me)?|what do you do",
        r"how (?:does|do) (?:this|it|that|i|you) (?:use|work)(?: this| it| with this)?",
        r"what are my options|what else can you do|what should i say",
    ),
    rule(
        always(SmallTalk("hello")),
        r"(?:(?:hello|hi|hey|hiya|howdy|yo|hola|greetings|sup|heya|hallo"
        r"|good (?:morning|afternoon|evening|day)|morning|evening)\b"
        r"(?: (?:there|again|assistant|bot|all|everyone|buddy))?[ ,]*){1,3}",
    ),
    rule(
        always(SmallTalk("mood")),
        r"(?:(?:hi|hey|hello)(?: there)?,? )?how (?:are|r) (?:you|u)(?: doing)?(?: today)?",
        r"(?:(?:hi|hey|hello)(?: there)?,? )?(?:what's up|how's it going)",
    ),
    rule(
        always(SmallTalk("thanks")),
        r"(?:(?:ok|okay|great|cool|perfect|nice),? )?(?:many )?"
        r"(?:thanks|thank (?:you|u)|thx|ty|cheers|ta)(?:,? (?:a lot|so much|very much"
        r"|a million|again"
        r"|mate|for (?:that|this|everything|your help|the help)"
        r"|that(?:'s| was) \w+(?: \w+)?|you(?:'re| are) \w+(?: \w+)?)){0,3}",
        r"great|good|nice|cool|awesome|perfect|excellent|brilliant|amazing|wonderful|lovely|got it"
        r"|(?:great|good) (?:job|work)|nice (?:one|work)|well done",
    ),
    rule(
        always(SmallTalk("bye")),
        r"bye(?: bye)?|goodbye|good ?night|see (?:you|ya)(?: later| soon| tomorrow)?|cya"
        r"|later|ciao",
        r"that(?:'s| is) (?:all|it)(?: for (?:now|today))?",
    ),
)

ANSWER_RULES = (
    rule(
        always(Confirm()),
        r"(?:(?:yes|y|yep|yeah|yup|ya|sure|ok|okay|confirm(?:ed)?|absolutely|definitely|of course"
        r"|correct|go ahead|go for it|do it|do that|please do|sounds good|please|i'm sure|i am sure"
        r")\b[ ,.!]*){1,4}",
        r"👍[🏻-🏿]?",
    ),
    rule(
        always(Decline()),
        r"(?:(?:no|n|nope|nah|no thanks|no thank you|don't|do not|stop|never ?mind|cancel"
        r"|wait|abort"
        r"|leave (?:it|them|that)|keep (?:it|them|everything)|please don't|forget it)"
        r"(?: (?:that|do (?:it|that)))?\b[ ,.!]*){1,4}",
        r"👎[🏻-🏿]?",
    ),
)
