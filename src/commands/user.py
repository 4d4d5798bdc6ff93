"""The user decider: what a user has uploaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from commands.decider import Decider
from commands.errors import InvalidCommand
from events import user
from events.event import Event
from events.storable import is_storable

NAME_CHARACTERS = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordUpload:
    attachment_id: str
    name: str
    mime_type: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDeletion:
    attachment_id: str


UserCommand = RecordUpload | RecordDeletion


@dataclass(frozen=True, slots=True)
class UserState:
    #: Uploaded and not deleted.
    attachment_ids: frozenset[str] = frozenset()


def decide(command: UserCommand, state: UserState) -> list[Event]:
    is_known = command.attachment_id in state.attachment_ids
    match command:
        case RecordUpload():
            check_name(command.name)
            return [] if is_known else [_uploaded(command)]
        case RecordDeletion():
            deleted = user.AttachmentDeleted(attachment_id=command.attachment_id)
            return [deleted] if is_known else []
        case _:
            assert_never(command)


def evolve(state: UserState, event: Event, version: int) -> UserState:
    match event:
        case user.AttachmentUploaded():
            return UserState(state.attachment_ids | {event.attachment_id})
        case user.AttachmentDeleted():
            return UserState(state.attachment_ids - {event.attachment_id})
        case _:
            return state


USER = Decider[UserCommand, UserState]("user", UserState, decide, evolve, user.Erased.topic)


def check_name(name: str) -> None:
    is_printable = all(char.isprintable() for char in name) and is_storable(name)
    if not name.strip() or len(name) > NAME_CHARACTERS or not is_printable:
        raise InvalidCommand(
            f"An attachment's name is 1 to {NAME_CHARACTERS} printable characters."
        )


def _uploaded(command: RecordUpload) -> Event:
    return user.AttachmentUploaded(
        attachment_id=command.attachment_id,
        name=command.name,
        mime_type=command.mime_type,
        size_bytes=command.size_bytes,
    )
