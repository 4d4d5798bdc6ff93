"""Importing this module registers every event class of this release."""

from events import conversation, sessions, system, task, user

__all__ = ["conversation", "sessions", "system", "task", "user"]
