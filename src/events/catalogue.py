"""Importing this module registers every event class of this release."""

from events import conversation, link, sessions, system, task, user

__all__ = ["conversation", "link", "sessions", "system", "task", "user"]
