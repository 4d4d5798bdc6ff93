"""What a session of the Agents SDK may do with a conversation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from commands.conversation_state import ConversationState
from commands.errors import InvalidCommand, Rejected
from events import conversation as c
from events.event import Event
from events.ids import derived_id
from events.sessions import SessionCleared, SessionItemRemoved, SessionItemsAdded
from events.storable import is_tree_storable

ITEMS = 1_000
TRIGGER = "session"

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddSessionItems:
    """Starts the conversation when it is new."""

    items: tuple[dict[str, Any], ...]
    #: What the ids of messages, runs and calls are derived from.
    seed_id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveSessionItem:
    version: int
    place: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearSession:
    pass


SessionCommand = AddSessionItems | RemoveSessionItem | ClearSession


def change_session(command: SessionCommand, state: ConversationState) -> list[Event]:
    match command:
        case AddSessionItems():
            return _add(command, state)
        case RemoveSessionItem():
            if (command.version, command.place) in state.removed_session_items:
                raise Rejected("item_removed", "This item was already removed.")
            return [SessionItemRemoved(version=command.version, place=command.place)]
        case ClearSession():
            return [] if state.status == "none" else [SessionCleared()]


def text_of(content: Any) -> str:
    """The text in a message's content or a tool's output."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list | tuple) else ()
    texts = [p.get("text") or p.get("refusal") or "" for p in parts if isinstance(p, Mapping)]
    return "\n\n".join(text for text in texts if isinstance(text, str) and text)


def _add(command: AddSessionItems, state: ConversationState) -> list[Event]:
    if not command.items:
        return []
    if len(command.items) > ITEMS:
        raise InvalidCommand(f"At most {ITEMS} items are added at a time.")
    if not is_tree_storable(command.items):
        raise InvalidCommand("What is added must be valid Unicode text without NUL characters.")
    started = [c.Started(title=command.title)] if state.status == "none" else []
    return [*started, *_Adding(command.seed_id, state.last_message_id).events(command.items)]


@dataclass(slots=True)
class _Adding:
    """Items as they are, and as messages and runs, each of which begins and ends in one append."""

    seed_id: str
    message_id: str | None
    _count: int = 0
    #: Since the last message of the user.
    _items: list[dict[str, Any]] = field(default_factory=list)

    def events(self, items: Sequence[dict[str, Any]]) -> Iterator[Event]:
        for item in items:
            if item.get("role") == "user":
                yield from self._run()
                yield from self._post(item)
            else:
                self._items.append(item)
        yield from self._run()

    def _post(self, item: dict[str, Any]) -> Iterator[Event]:
        text = text_of(item.get("content"))
        if not text.strip():
            yield SessionItemsAdded(items=(item,))
            return
        self.message_id = self._id("message")
        yield SessionItemsAdded(items=(item,), shown_message_id=self.message_id)
        yield c.UserMessagePosted(message_id=self.message_id, text=text)

    def _run(self) -> Iterator[Event]:
        items, self._items = tuple(self._items), []
        responses = list(_responses([i for i in items if i.get("role") in (None, "assistant")]))
        if self.message_id is None or not responses:
            if items:
                yield SessionItemsAdded(items=items)
            return
        run_id = self._id("run")
        yield SessionItemsAdded(items=items, shown_run_id=run_id)
        yield c.RunRequested(run_id=run_id, message_id=self.message_id, trigger=TRIGGER)
        for said, results in responses:
            yield from self._response(run_id, said, results)
        yield c.RunCompleted(run_id=run_id)

    def _response(
        self, run_id: str, said: Sequence[Item], results: Mapping[str, Item]
    ) -> Iterator[Event]:
        yield c.ModelResponded(
            run_id=run_id, attempt=1, response_id=self._id("response"), items=tuple(map(dict, said))
        )
        for item in said:
            if item.get("role") == "assistant" and (text := text_of(item.get("content"))):
                message_id = self._id("reply")
                yield c.AssistantMessagePosted(run_id=run_id, message_id=message_id, text=text)
            elif item.get("type") == "function_call":
                yield from self._call(run_id, item, results)

    def _call(self, run_id: str, item: Item, results: Mapping[str, Item]) -> Iterator[Event]:
        call_id, provider_call_id = self._id("call"), str(item.get("call_id"))
        yield c.ToolCalled(
            run_id=run_id,
            attempt=1,
            call_id=call_id,
            provider_call_id=provider_call_id,
            name=str(item.get("name")),
            arguments=str(item.get("arguments")),
        )
        if provider_call_id in results:
            output = text_of(results[provider_call_id].get("output"))
            yield c.ToolCompleted(run_id=run_id, call_id=call_id, output=output)
        else:
            reason = "No result was given."
            yield c.ToolOutcomeUnknown(run_id=run_id, call_id=call_id, reason=reason)

    def _id(self, kind: str) -> str:
        self._count += 1
        return str(derived_id("session", self.seed_id, kind, str(self._count)))


def _responses(items: Sequence[Item]) -> Iterator[tuple[list[Item], dict[str, Item]]]:
    """What was said until tools were asked, and their results by call id; then what came next."""
    said: list[Item] = []
    results: dict[str, Item] = {}
    for item in items:
        if item.get("type") == "function_call_output":
            results[str(item.get("call_id"))] = item
            continue
        if results:
            yield said, results
            said, results = [], {}
        said.append(item)
    if said:
        yield said, results
