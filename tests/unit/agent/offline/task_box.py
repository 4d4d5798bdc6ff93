"""Task tools over a dictionary, and a conversation with the offline model through the SDK."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from agents import Agent, FunctionTool, RunConfig, Runner, function_tool

from agent.offline.model import OfflineModel


@dataclass
class TaskBox:
    """Behaves as the task tools do."""

    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: tool name -> what it answers instead of working
    failures: dict[str, str] = field(default_factory=dict)
    _count: int = 0

    def put(self, title: str, notes: str = "", status: str = "pending") -> str:
        self._count += 1
        task_id = f"task-{self._count}"
        self.tasks[task_id] = {
            "task_id": task_id,
            "title": title,
            "notes": notes,
            "status": status,
            "created_at": f"2026-01-01T00:00:{self._count % 60:02}Z",
            "completed_at": None,
        }
        return task_id

    def titles(self, status: str = "pending") -> list[str]:
        return [task["title"] for task in self.tasks.values() if task["status"] == status]

    def tools(self) -> list[FunctionTool]:
        async def add_task(title: str, notes: str = "") -> str:
            return self._answer("add_task", lambda: self.tasks[self.put(title, notes)])

        async def list_tasks(status: str = "all") -> str:
            wanted = [t for t in self.tasks.values() if status in ("all", t["status"])]
            return self._answer("list_tasks", lambda: {"tasks": wanted})

        async def complete_task(task_id: str) -> str:
            return self._answer("complete_task", lambda: self._set(task_id, status="completed"))

        async def reopen_task(task_id: str) -> str:
            return self._answer("reopen_task", lambda: self._set(task_id, status="pending"))

        async def delete_task(task_id: str) -> str:
            return self._answer("delete_task", lambda: self.tasks.pop(task_id))

        async def update_task(
            task_id: str, title: str | None = None, notes: str | None = None
        ) -> str:
            changed = {"title": title, "notes": notes}
            told = {key: value for key, value in changed.items() if value is not None}
            return self._answer("update_task", lambda: self._set(task_id, **told))

        made = (add_task, list_tasks, complete_task, reopen_task, delete_task, update_task)
        return [function_tool(tool, strict_mode=False) for tool in made]

    def _set(self, task_id: str, **fields: str) -> dict[str, Any]:
        self.tasks[task_id].update(fields)
        return self.tasks[task_id]

    def _answer(self, name: str, work: Callable[[], dict[str, Any]]) -> str:
        if name in self.failures:
            return self.failures[name]
        try:
            return json.dumps(work())
        except KeyError:
            return json.dumps({"error": "There is no such task."})


@dataclass
class Conversation:
    box: TaskBox
    items: list[Any] = field(default_factory=list)
    model_turns: int = 0

    async def say(self, text: str) -> str:
        """The reply; `model_turns` counts the responses it took."""
        agent = Agent(
            name="Assistant", model=OfflineModel(delay_seconds=0), tools=[*self.box.tools()]
        )
        asked: list[Any] = [*self.items, {"role": "user", "content": text}]
        result = await Runner.run(agent, asked, run_config=RunConfig(tracing_disabled=True))
        self.items = result.to_input_list()
        self.model_turns = len(result.raw_responses)
        return str(result.final_output)

    def calls_since(self, place: int) -> list[tuple[str, dict[str, Any]]]:
        """The tool calls the model asked for from this item on."""
        asked = [dict(item) for item in self.items[place:]]
        return [
            (str(item["name"]), json.loads(str(item["arguments"])))
            for item in asked
            if item.get("type") == "function_call"
        ]


def filled(tasks: Iterable[str | dict[str, str]]) -> TaskBox:
    box = TaskBox()
    for task in tasks:
        box.put(**({"title": task} if isinstance(task, str) else task))
    return box
