"""Importing this module registers every event class of this release."""

from events import conversation, system, task, user

__all__ = ["conversation", "system", "task", "user"]
