"""The events of a user: stream `user-<id>`."""

from __future__ import annotations

from events.event import Event, event

CATEGORY = "user"


def stream_of(user_id: str) -> str:
    return f"{CATEGORY}-{user_id}"


@event("user.attachment_uploaded")
class AttachmentUploaded(Event, frozen=True, kw_only=True):
    attachment_id: str
    name: str
    mime_type: str
    size_bytes: int


@event("user.attachment_deleted")
class AttachmentDeleted(Event, frozen=True, kw_only=True):
    attachment_id: str


@event("user.data_exported")
class DataExported(Event, frozen=True, kw_only=True):
    pass


@event("user.erased")
class Erased(Event, frozen=True, kw_only=True):
    #: How many data keys were destroyed.
    keys: int
