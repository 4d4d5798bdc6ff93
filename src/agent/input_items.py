"""A run's events as input items of the OpenAI Responses API: calls paired, ids unique."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agent.replayed_items import ID_CHARACTERS, Item, assistant_message, detached, replayed
from agent.told_items import told_text
from agent.turns import TurnRun
from events import conversation as c

NO_RESULT = "interrupted: no result was recorded"
UNKNOWN_OUTCOME = (
    "The outcome of this call is unknown: it may or may not have taken effect. "
    "Check the current state before trying it again."
)
DENIED = "The user denied this call; it was not carried out."


class UniqueIds:
    """Item ids and call ids of one input, where the API wants each only once."""

    def __init__(self) -> None:
        self._taken: defaultdict[str, set[str]] = defaultdict(set)

    def claim(self, kind: str, wanted: str) -> bool:
        is_free = wanted not in self._taken[kind]
        self._taken[kind].add(wanted)
        return is_free

    def take(self, kind: str, wanted: str) -> str:
        """The id itself, or with a suffix where an earlier item already has it."""
        unique, number = wanted, 1
        while not self.claim(kind, unique):
            number += 1
            suffix = f"_{number}"
            unique = wanted[: ID_CHARACTERS - len(suffix)] + suffix
        return unique


def user_item(message: c.UserMessagePosted) -> Item:
    blocks = [
        "\n".join(f"> {line}" for line in (message.quoted_text or "").splitlines()),
        message.text,
        "\n".join(_attachment_line(attachment) for attachment in message.attachments),
    ]
    return _user_message("\n\n".join(block for block in blocks if block))


def run_items(run: TurnRun, ids: UniqueIds, output_characters: int) -> list[Item]:
    """Each response's items followed by the outputs of all its calls, then a partial reply."""
    steps, outputs = _steps_of(run)
    items: list[Item] = []
    for step in steps:
        if isinstance(step, c.AssistantMessagePosted):
            items.append(_partial_item(step, ids))
        elif isinstance(step, c.ThreadItemPut):
            items.append(_user_message(_cut(told_text(step.item), output_characters)))
        else:
            items += _response_items(step, outputs, ids, output_characters)
    return items


@dataclass(slots=True)
class _Response:
    items: Iterable[Item]
    #: The provider's call id to our call ids, in the order the calls were made.
    calls: defaultdict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))


_Step = _Response | c.AssistantMessagePosted | c.ThreadItemPut


def _steps_of(run: TurnRun) -> tuple[list[_Step], dict[str, str]]:
    """The run's responses and partial reply, and the output text of each of our call ids."""
    steps: list[_Step] = []
    response = _Response(())
    outputs: dict[str, str] = {}
    for recorded in run.recorded:
        match recorded.event:
            case c.ModelResponded(items=items):
                response = _Response(items)
                steps.append(response)
            case c.ToolCalled() as called:
                response.calls[called.provider_call_id].append(called.call_id)
            case c.AssistantMessagePosted(is_partial=True) as partial if partial.text:
                steps.append(partial)
            case c.ThreadItemPut() as told:
                steps.append(told)
            case (
                c.ToolCompleted() | c.ToolFailed() | c.ToolOutcomeUnknown() | c.ToolApprovalDenied()
            ) as result:
                outputs.setdefault(result.call_id, _output_text(result))
    return steps, outputs


def _output_text(
    result: c.ToolCompleted | c.ToolFailed | c.ToolOutcomeUnknown | c.ToolApprovalDenied,
) -> str:
    match result:
        case c.ToolCompleted():
            return result.output
        case c.ToolFailed():
            return result.error
        case c.ToolOutcomeUnknown():
            return f"{UNKNOWN_OUTCOME} ({result.reason})" if result.reason else UNKNOWN_OUTCOME
        case c.ToolApprovalDenied():
            return f"{DENIED} ({result.reason})" if result.reason else DENIED


def _response_items(
    response: _Response, outputs: Mapping[str, str], ids: UniqueIds, output_characters: int
) -> list[Item]:
    said: list[Item] = []
    answers: list[Item] = []
    is_alone = False
    for item in replayed(response.items):
        if item["type"] == "reasoning":
            # Encrypted reasoning is bound to its id, so a repeated one cannot be renamed.
            if ids.claim("item", item["id"]):
                said.append(item)
            else:
                is_alone = True
            continue
        if is_alone:
            item, is_alone = detached(item), False
        if "id" in item:
            item["id"] = ids.take("item", item["id"])
        if item["type"] == "function_call":
            ours = response.calls[item["call_id"]]
            text = outputs.get(ours.popleft(), NO_RESULT) if ours else NO_RESULT
            item["call_id"] = ids.take("call", item["call_id"])
            answers.append(_output_item(item["call_id"], _cut(text, output_characters)))
        said.append(item)
    return [*said, *answers]


def _user_message(text: str) -> Item:
    return {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": text}],
    }


def _partial_item(partial: c.AssistantMessagePosted, ids: UniqueIds) -> Item:
    item_id = ids.take("item", f"msg_{partial.message_id}"[:ID_CHARACTERS])
    content = [{"type": "output_text", "text": partial.text, "annotations": []}]
    return assistant_message(item_id, content, "incomplete")


def _output_item(call_id: str, output: str) -> Item:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return text[:limit] + f"… [{len(text) - limit} characters cut]"


def _attachment_line(attachment: c.Attachment) -> str:
    name = " ".join(attachment.name.split())
    return f"[attachment: {name} ({attachment.mime_type}, {attachment.size_bytes} bytes)]"
