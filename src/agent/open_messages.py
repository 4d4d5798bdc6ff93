"""Assistant messages while they are streamed, and the replies that they become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from openai.types.responses import ResponseOutputMessage

from commands.run import Reply
from events.ids import new_id
from events.storable import make_storable


@dataclass(slots=True)
class OpenPart:
    """One of the texts that an assistant message consists of."""

    #: The frame that shows a delta.
    body_of: Callable[[str], bytes]
    deltas: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.deltas)


@dataclass(slots=True)
class OpenMessage:
    """An assistant message that is being streamed."""

    message_id: str
    parts: list[OpenPart] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts)


def reply_of(item: ResponseOutputMessage, streamed: OpenMessage | None, limit: int) -> Reply:
    message = streamed or OpenMessage(str(new_id()))
    texts = [part.text for part in item.content if part.type == "output_text"]
    texts += [part.refusal for part in item.content if part.type == "refusal"]
    text, _ = make_storable("\n\n".join(texts), limit)
    return Reply(message_id=message.message_id, text=text)
