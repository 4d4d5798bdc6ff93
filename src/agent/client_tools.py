"""Tools that the user's page carries out: a call is put into the thread, and the run is over.

The page answers with an operation of its own (threads.add_client_tool_output), which starts the
run that goes on. Whether it ever does is up to the page and the user.
"""

from __future__ import annotations

from typing import Any

from agent.open_work import CLIENT_CALL, OpenCall
from events.ids import new_id, time_of
from events.storable import make_tree_storable

HANDED_OVER = "The user's page was asked to carry this out. What it answers comes in a message."
ONE_AT_A_TIME = "The user's page carries out one call at a time: make this one after the other."


def call_item(conversation_id: str, call: OpenCall, arguments: dict[str, Any]) -> dict[str, Any]:
    """What the page is asked, as a ChatKit thread item that waits for its answer."""
    item_id = new_id()
    return {
        "id": str(item_id),
        "thread_id": conversation_id,
        "created_at": time_of(item_id).isoformat().replace("+00:00", "Z"),
        "type": CLIENT_CALL,
        "status": "pending",
        "call_id": call.call_id,
        "name": call.name,
        # The text they were read from was cut before; what it escaped was not yet looked at.
        "arguments": make_tree_storable(arguments, len(call.arguments)),
    }
