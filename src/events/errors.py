"""The event room's errors.

EventError
├── UnknownTopic          the log holds an event this release does not know
├── NewerSchema           the event was written by a newer release
├── UnreadableState       the stored bytes cannot be decrypted or decoded
├── ContentErased         the data key of the event was destroyed
├── InvalidEventKey       EVENT_KEY is missing, malformed or not the one the log was written with
└── AppendError
    ├── VersionConflict       another append came first
    ├── IdempotencyMismatch   the idempotency key was used for another request
    ├── UserErased            the owner's data key is gone
    ├── QueueFull             more appends wait than the node accepts
    └── StoreUnavailable      the database cannot be reached
"""

from __future__ import annotations


class EventError(Exception):
    """Base of every error this room raises."""


class UnknownTopic(EventError):
    def __init__(self, topic: str, where: str = "") -> None:
        super().__init__(
            f"Event topic {topic!r}{where} is unknown to this release: "
            "the log is newer than this release, start the newer one."
        )
        self.topic = topic


class NewerSchema(EventError):
    def __init__(self, topic: str, found: int, known: int, where: str = "") -> None:
        super().__init__(
            f"Event {topic!r}{where} has schema version {found}, this release knows up to {known}: "
            "the log is newer than this release, start the newer one."
        )
        self.topic = topic


class UnreadableState(EventError):
    def __init__(self, topic: str, where: str, reason: str) -> None:
        super().__init__(f"The state of event {topic!r}{where} cannot be read: {reason}.")
        self.topic = topic


class ContentErased(EventError):
    def __init__(self, owner_id: str) -> None:
        super().__init__("The content was erased: its data key no longer exists.")
        self.owner_id = owner_id


class InvalidEventKey(EventError):
    """EVENT_KEY cannot be used; the message says what to set."""


class AppendError(EventError):
    """Base of what can go wrong with an append; nothing of the append was stored."""


class VersionConflict(AppendError):
    def __init__(self, stream_id: str, expected: int, actual: int) -> None:
        super().__init__(
            f"Stream {stream_id} was expected at version {expected} but is at {actual}."
        )
        self.stream_id = stream_id
        self.expected = expected
        self.actual = actual


class IdempotencyMismatch(AppendError):
    def __init__(self, stream_id: str, key: str) -> None:
        super().__init__(
            f"Idempotency key {key!r} was already used on {stream_id} for a different request: "
            "send the same body again or choose a new key."
        )


class UserErased(AppendError):
    def __init__(self, owner_id: str) -> None:
        super().__init__("The user's data key was destroyed while the request ran; try again.")
        self.owner_id = owner_id


class QueueFull(AppendError):
    def __init__(self, capacity: int) -> None:
        super().__init__(
            f"{capacity} appends are waiting, which is the limit of this node: try again shortly."
        )


class StoreUnavailable(AppendError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"The event store cannot be reached ({reason}): try again shortly.")
