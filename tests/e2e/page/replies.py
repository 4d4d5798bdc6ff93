"""What the assistant of the tests answers: the first word of a message picks the script."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from .threads import Item, Run

Wait = Callable[[str], Awaitable[None]]
COUNT_TO = 40

HOSTILE = """\
<script>window.hacked = 1</script> <img src=x onerror="window.hacked = 2">

[one](javascript:window.hacked=3) [two](data:text/html,<script>hacked=4</script>)
[three](JaVaScRiPt:alert(1))

[four]( javascript:alert(1)) ![five](javascript:alert(1))
<javascript:alert(1)> [six](vbscript:x) [seven](//evil.example)

<a href="https://evil.example" onclick="window.hacked=5">eight</a> <svg/onload=window.hacked=6>

- <iframe src="javascript:window.hacked=7"></iframe>

```html
<script>window.hacked = 8</script>
```

`<b>nine</b>` and **<i>ten</i>** and [<u>eleven</u>](https://example.com/?a=1&b=<x>"onclick="y)
"""

TOUR = """\
## A plan

Here is **bold**, *italic*, `code`, and a [link](https://example.com/path_(x)).

1. First
   - nested *point*
   - another
2. Second

> A quoted line

| Task | State |
| --- | --- |
| Buy milk | open |

```python
print("hello")
```

Mail [me](mailto:me@example.com) or see https://example.com/a_b. snake_case_name stays.
"""


async def script_for(text: str, run: Run, wait: Wait, is_retry: bool) -> None:
    word, _, rest = text.partition(" ")
    match word.lower():
        case "add":
            await add(run, rest, wait)
        case "break":
            await fail_tool(run)
        case "count":
            await count(run, wait)
        case "error" if not is_retry:
            await run.send({"type": "error", "message": "The model is busy.", "allow_retry": True})
        case "markdown":
            await say(run, TOUR)
        case "say":
            await say(run, rest)
        case "hostile":
            await say(run, HOSTILE)
        case "ask":
            await run.send({"type": "thread.item.done", "item": client_call(run, rest)})
        case "ask-later":
            await wait("call")
            await run.send({"type": "thread.item.done", "item": client_call(run, rest)})
        case "everything":
            await everything(run, wait)
        case _:
            await wait("answer")
            await say(run, f"You said: {text}")


async def add(run: Run, title: str, wait: Wait) -> None:
    await wait("thinking")
    badge = run.thread.item("task", task=task("add_task", "loading"))
    await run.send({"type": "thread.item.added", "item": badge})
    await wait("tool")
    done = task("add_task", "complete", "check-circle", f"“{title}” was added")
    await run.send({"type": "thread.item.done", "item": badge | {"task": done}})
    await say(run, f"Done: **{title}** is on your list now.")


async def fail_tool(run: Run) -> None:
    badge = run.thread.item("task", task=task("complete_task", "loading"))
    await run.send({"type": "thread.item.added", "item": badge})
    failed = task(
        "complete_task", "complete", "lucide:circle-x", "There is no task with this title"
    )
    await run.send({"type": "thread.item.done", "item": badge | {"task": failed}})
    await say(run, "I could not find that task.")


async def count(run: Run, wait: Wait) -> None:
    words = [f"n{number} " for number in range(1, COUNT_TO + 1)]
    await say_in_pieces(run, words[: COUNT_TO // 2], words[COUNT_TO // 2 :], wait)


def client_call(run: Run, name: str) -> Item:
    made = {"status": "pending", "call_id": "call_1", "name": name, "arguments": {"depth": 2}}
    return run.thread.item("client_tool_call", **made)


async def everything(run: Run, wait: Wait) -> None:
    """One of each event of the protocol, with some that no element knows."""
    await run.send({"type": "progress_update", "text": "Reading your list", "icon": "search"})
    await wait("progress")
    await run.send({"type": "client_effect", "name": "confetti", "data": {"amount": 3}})
    await run.send({"type": "no.such.event"})
    await run.send({"type": "thread.item.done", "item": run.thread.item("widget", widget={})})
    await run.send({"type": "thread.item.added"})
    steps = run.thread.item("workflow", workflow={"type": "custom", "tasks": [], "expanded": True})
    await run.send({"type": "thread.item.added", "item": steps})
    for kind, status in (("added", "loading"), ("updated", "complete")):
        step = {"type": f"workflow.task.{kind}", "task_index": 0, "task": task("search", status)}
        await run.send({"type": "thread.item.updated", "item_id": steps["id"], "update": step})
    shown = {"type": "custom", "tasks": [task("search", "complete")], "summary": {"duration": 2}}
    await run.send({"type": "thread.item.done", "item": steps | {"workflow": shown}})
    torn = run.thread.assistant_message("torn")
    await run.send({"type": "thread.item.added", "item": torn})
    await run.send({"type": "thread.item.removed", "item_id": torn["id"]})
    await run.send({"type": "notice", "level": "warning", "message": "**Almost** full"})
    await say(run, "first draft")
    final = run.thread.items[-1]
    replaced = run.thread.assistant_message("final words", final["id"])
    await run.send({"type": "thread.item.replaced", "item": replaced})


def task(title: str, status: str, icon: str | None = None, content: str | None = None) -> Item:
    made: Item = {"type": "custom", "title": title, "status_indicator": status}
    return made | ({"icon": icon} if icon else {}) | ({"content": content} if content else {})


async def say(run: Run, text: str) -> None:
    pieces = [text[at : at + 7] for at in range(0, len(text), 7)]
    await say_in_pieces(run, pieces, [], None)


async def say_in_pieces(run: Run, before: list[str], after: list[str], wait: Wait | None) -> None:
    """Stream a message; with a gate called "middle" between its two parts."""
    said = ""
    message = run.thread.assistant_message("")
    await run.send({"type": "thread.item.added", "item": message})
    try:
        part = {"type": "output_text", "text": "", "annotations": []}
        await update(run, message, "added", content=part)
        for piece in before:
            said += piece
            await update(run, message, "text_delta", delta=piece)
        if wait:
            await wait("middle")
        for piece in after:
            said += piece
            await update(run, message, "text_delta", delta=piece)
            await asyncio.sleep(0.002)
        await update(run, message, "done", content=part | {"text": said})
    finally:
        final = run.thread.assistant_message(said, message["id"])
        await run.send({"type": "thread.item.done", "item": final})


async def update(run: Run, message: Item, kind: str, **fields: object) -> None:
    change = {"type": f"assistant_message.content_part.{kind}", "content_index": 0, **fields}
    await run.send({"type": "thread.item.updated", "item_id": message["id"], "update": change})
