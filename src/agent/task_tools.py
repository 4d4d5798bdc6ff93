"""The task tools as an MCP server; each effect is stored once per call id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, Protocol

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from agent.callers import Caller, Identify
from commands.errors import CommandError, Foreign
from commands.handle import CommandHandler, Origin
from commands.task import (
    NOTES_CHARACTERS,
    TASK,
    TITLE_CHARACTERS,
    AddTask,
    CompleteTask,
    DeleteTask,
    ReopenTask,
    TaskCommand,
    UpdateTask,
    describe,
    no_such_task,
)
from events.errors import AppendError
from events.ids import derived_id, new_id
from events.task import stream_of
from projections.errors import ReadModelBehind

LISTED_TASKS = 200
INSTRUCTIONS = "The signed-in user's to-do list. Ids come from list_tasks or add_task."


class TaskSummary(Protocol):
    """A row of the task read model."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def notes(self) -> str: ...
    @property
    def status(self) -> str: ...


class TaskReader(Protocol):
    async def tasks_of(
        self, owner_id: str, status: str | None, limit: int
    ) -> Sequence[TaskSummary]:
        """With the owner's newest changes. Raises ReadModelBehind when they stay away for long."""
        ...


TaskId = Annotated[str, Field(description="Id of the task, from list_tasks.", max_length=64)]
Title = Annotated[str, Field(description="What is to be done.", max_length=TITLE_CHARACTERS)]
Notes = Annotated[str, Field(description="Details, or empty.", max_length=NOTES_CHARACTERS)]


class TaskTools:
    """The tools' effects, for a caller whose token was verified."""

    def __init__(self, handler: CommandHandler, tasks: TaskReader) -> None:
        self._handler = handler
        self._tasks = tasks

    async def add(self, caller: Caller, title: str, notes: str) -> dict[str, Any]:
        call_id = caller.call_id or str(new_id())
        task_id = str(derived_id("task", caller.user_id, call_id))
        return await self._do(
            caller, task_id, AddTask(task_id=task_id, title=title, notes=notes, call_id=call_id)
        )

    async def change(self, caller: Caller, command: TaskCommand) -> dict[str, Any]:
        return await self._do(caller, command.task_id, replace(command, call_id=caller.call_id))

    async def list(self, caller: Caller, status: str) -> dict[str, Any]:
        wanted = None if status == "all" else status
        try:
            tasks = await self._tasks.tasks_of(caller.user_id, wanted, LISTED_TASKS)
        except ReadModelBehind as error:
            raise ToolError(str(error)) from None
        return {
            "tasks": [
                {"task_id": t.id, "title": t.title, "notes": t.notes, "status": t.status}
                for t in tasks
            ]
        }

    async def _do(self, caller: Caller, task_id: str, command: TaskCommand) -> dict[str, Any]:
        origin = Origin(
            owner_id=caller.user_id,
            actor=caller.actor,
            causation_id=caller.call_id,
            correlation_id=caller.run_id,
            idempotency_key=caller.call_id,
        )
        try:
            handled = await self._handler.handle(TASK, stream_of(task_id), command, origin)
        except Foreign:
            raise ToolError(str(no_such_task(task_id))) from None
        except (CommandError, AppendError) as error:
            raise ToolError(str(error)) from None
        if handled.events:
            result: dict[str, Any] = getattr(handled.events[-1], "result", {})
            return result
        return describe(task_id, handled.state)


def build_task_server(tools: TaskTools, identify: Identify) -> MCPServer[Any]:
    """An MCP server whose tools act as the user whom `identify` finds."""
    server: MCPServer[Any] = MCPServer(
        "verbatim-tasks", instructions=INSTRUCTIONS, log_level="WARNING", subscriptions=False
    )

    async def caller_of(ctx: Context[Any, Any]) -> Caller:
        meta: Any = ctx.request_context.meta or {}
        return await identify(ctx.headers, meta)

    @server.tool(structured_output=False)
    async def add_task(title: Title, ctx: Context[Any, Any], notes: Notes = "") -> dict[str, Any]:
        """Add a task to the user's list."""
        return await tools.add(await caller_of(ctx), title, notes)

    @server.tool(structured_output=False)
    async def list_tasks(
        ctx: Context[Any, Any], status: Literal["all", "pending", "completed"] = "all"
    ) -> dict[str, Any]:
        """List the user's tasks with their ids, titles, notes and statuses."""
        return await tools.list(await caller_of(ctx), status)

    @server.tool(structured_output=False)
    async def complete_task(task_id: TaskId, ctx: Context[Any, Any]) -> dict[str, Any]:
        """Mark a task as completed."""
        return await tools.change(await caller_of(ctx), CompleteTask(task_id=task_id))

    @server.tool(structured_output=False)
    async def reopen_task(task_id: TaskId, ctx: Context[Any, Any]) -> dict[str, Any]:
        """Mark a completed task as pending again."""
        return await tools.change(await caller_of(ctx), ReopenTask(task_id=task_id))

    @server.tool(structured_output=False)
    async def update_task(
        task_id: TaskId,
        ctx: Context[Any, Any],
        title: Title | None = None,
        notes: Notes | None = None,
    ) -> dict[str, Any]:
        """Change a task's title, its notes, or both."""
        command = UpdateTask(task_id=task_id, title=title, notes=notes)
        return await tools.change(await caller_of(ctx), command)

    @server.tool(structured_output=False)
    async def delete_task(task_id: TaskId, ctx: Context[Any, Any]) -> dict[str, Any]:
        """Delete a task for good."""
        return await tools.change(await caller_of(ctx), DeleteTask(task_id=task_id))

    return server
