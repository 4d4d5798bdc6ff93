"""Events under the system key: streams `audit-<id>` and `projection-<name>`."""

from __future__ import annotations

from events.event import Event, event

AUDIT_CATEGORY = "audit"
PROJECTION_CATEGORY = "projection"
SYSTEM_OWNER = "system"
#: The name under which everything about the read tables stands: a generation holds them all.
READ_TABLES = "read"


def projection_stream(name: str) -> str:
    return f"{PROJECTION_CATEGORY}-{name}"


@event("audit.read")
class AuditRead(Event, frozen=True, kw_only=True):
    #: What the auditor asked for: the route and its identifiers.
    request: str


@event("projection.parked")
class Parked(Event, frozen=True, kw_only=True):
    stream_id: str
    position: int
    error: str


@event("projection.retried")
class Retried(Event, frozen=True, kw_only=True):
    stream_id: str


@event("projection.swapped")
class Swapped(Event, frozen=True, kw_only=True):
    from_generation: int
    to_generation: int
    position: int
