from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scope = Literal["all", "pending", "completed", "it", "both", "unspecified"]
Status = Literal["all", "pending", "completed"]


@dataclass(frozen=True, slots=True)
class ByWords:
    words: str


@dataclass(frozen=True, slots=True)
class ByNumber:
    """Places on the list shown last: from 1, or from the end as -1, -2."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ByScope:
    scope: Scope


@dataclass(frozen=True, slots=True)
class ById:
    task_ids: tuple[str, ...]


Target = ByWords | ByNumber | ByScope | ById


@dataclass(frozen=True, slots=True)
class Draft:
    title: str
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Add:
    """No drafts: the user wants to add something but has not said what."""

    drafts: tuple[Draft, ...]
    is_reminder: bool = False


@dataclass(frozen=True, slots=True)
class Show:
    status: Status
    is_count: bool = False


@dataclass(frozen=True, slots=True)
class Find:
    words: str


@dataclass(frozen=True, slots=True)
class Complete:
    """A claim: the user told what happened ("I called mum") and asked for nothing."""

    target: Target
    is_claim: bool = False


@dataclass(frozen=True, slots=True)
class Reopen:
    target: Target


@dataclass(frozen=True, slots=True)
class Delete:
    target: Target
    is_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Rename:
    """An empty title: the user has not said the new one."""

    target: Target
    title: str


@dataclass(frozen=True, slots=True)
class Annotate:
    target: Target
    notes: str
    is_replacing: bool = False


@dataclass(frozen=True, slots=True)
class Undo:
    pass


@dataclass(frozen=True, slots=True)
class Confirm:
    pass


@dataclass(frozen=True, slots=True)
class Decline:
    pass


@dataclass(frozen=True, slots=True)
class Choose:
    """A bare number, place or "both": the answer to a question, or a slip."""

    target: Target


@dataclass(frozen=True, slots=True)
class SmallTalk:
    topic: Literal["hello", "thanks", "bye", "help", "identity", "mood"]


@dataclass(frozen=True, slots=True)
class Suggest:
    """Short and unclear, but it could be the title of a task."""

    title: str


@dataclass(frozen=True, slots=True)
class Unclear:
    is_too_long: bool = False


@dataclass(frozen=True, slots=True)
class Several:
    parts: tuple[Command, ...]


Targeted = Complete | Reopen | Delete | Rename | Annotate
Command = Add | Show | Find | Targeted | Undo
Intent = Command | Confirm | Decline | Choose | SmallTalk | Suggest | Unclear | Several
