"""Speaks ChatKit to an app, as the stock client does."""

from __future__ import annotations

import re
from typing import Any

import httpx
import orjson
from chatkit.types import ThreadStreamEvent
from pydantic import TypeAdapter

STREAM_EVENTS: TypeAdapter[Any] = TypeAdapter(ThreadStreamEvent)

#: A well-formed id that nothing has; fixed, because workers must collect the same tests.
NOBODYS_ID = "01a1f89a-a084-74e5-aa55-4c307a5ced8b"

Event = dict[str, Any]


async def ask(
    client: httpx.AsyncClient, operation: str, /, *, key: str | None = None, **params: Any
) -> httpx.Response:
    body: dict[str, Any] = {"type": operation, "params": params}
    if key is not None:
        body["metadata"] = {"idempotency_key": key}
    return await client.post("/chatkit", json=body)


def typed(text: str, **fields: Any) -> dict[str, Any]:
    """A user's input."""
    content = [{"type": "input_text", "text": text}]
    return {"content": content, "attachments": [], "inference_options": {}, **fields}


async def say(
    client: httpx.AsyncClient, text: str, thread_id: str | None = None, **options: Any
) -> list[Event]:
    """Sends a message and answers the events of the reply."""
    key = options.pop("key", None)
    sent = typed(text, **options)
    if thread_id is None:
        response = await ask(client, "threads.create", key=key, input=sent)
    else:
        response = await ask(
            client, "threads.add_user_message", key=key, thread_id=thread_id, input=sent
        )
    return events_of(response)


def events_of(response: httpx.Response) -> list[Event]:
    """What the stock client makes of a stream; each event parses with the stock types."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [orjson.loads(line) for line in re.findall(r"^data: (.*)$", response.text, re.M)]
    for event in events:
        STREAM_EVENTS.validate_python(event)
    return events


async def json_of(client: httpx.AsyncClient, operation: str, /, **params: Any) -> Any:
    response = await ask(client, operation, **params)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


def kinds(events: list[Event]) -> list[str]:
    return [event["type"] for event in events]


def thread_of(events: list[Event]) -> str:
    """The thread a stream belongs to."""
    items = (event["item"] for event in events if "item" in event)
    thread_id: str = next(items)["thread_id"]
    return thread_id


def done_items(events: list[Event]) -> list[dict[str, Any]]:
    return [event["item"] for event in events if event["type"] == "thread.item.done"]


def reply_of(events: list[Event]) -> str:
    """The last assistant message of a stream."""
    messages = [item for item in done_items(events) if item["type"] == "assistant_message"]
    text: str = messages[-1]["content"][0]["text"]
    return text


def assert_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["detail"]
    return problem


#: Parameters that are right for each operation that names a thread.
OF_THREAD: dict[str, dict[str, Any]] = {
    "threads.add_user_message": {"input": typed("hello")},
    "threads.add_client_tool_output": {"result": {}},
    "threads.add_structured_input": {"item_id": "i", "input": {"status": "skipped"}},
    "threads.retry_after_item": {"item_id": "i"},
    "threads.custom_action": {"item_id": "i", "action": {"type": "press"}},
    "threads.sync_custom_action": {"item_id": "i", "action": {"type": "press"}},
    "threads.get_by_id": {},
    "threads.update": {"title": "mine now"},
    "threads.delete": {},
    "items.list": {},
    "items.feedback": {"item_ids": ["i"], "kind": "positive"},
}
