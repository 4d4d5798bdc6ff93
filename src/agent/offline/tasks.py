from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ADD = "add_task"
LIST = "list_tasks"
COMPLETE = "complete_task"
REOPEN = "reopen_task"
DELETE = "delete_task"
UPDATE = "update_task"

CHANGES = frozenset({ADD, COMPLETE, REOPEN, DELETE, UPDATE})


@dataclass(frozen=True, slots=True)
class Task:
    task_id: str
    title: str
    notes: str = ""
    status: str = "pending"

    @property
    def is_done(self) -> bool:
        return self.status == "completed"

    @classmethod
    def from_json(cls, fields: object) -> Task | None:
        """None when the fields name no task: no id."""
        if not isinstance(fields, Mapping) or not fields.get("task_id"):
            return None
        return cls(
            task_id=str(fields["task_id"]),
            title=str(fields.get("title") or ""),
            notes=str(fields.get("notes") or ""),
            status=str(fields.get("status") or "pending"),
        )


def pending(tasks: Iterable[Task]) -> tuple[Task, ...]:
    return tuple(task for task in tasks if task.status == "pending")


def completed(tasks: Iterable[Task]) -> tuple[Task, ...]:
    return tuple(task for task in tasks if task.is_done)
