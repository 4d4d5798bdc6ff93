"""Importing this module registers every event class of this release."""

from events import conversation, history, link, sessions, system, task, user

__all__ = ["conversation", "history", "link", "sessions", "system", "task", "user"]
