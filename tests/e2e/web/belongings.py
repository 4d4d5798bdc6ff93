"""What a user has, as far as another one could ask for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from tests.e2e.web.people import Person
from tests.e2e.web.site import Site

#: Bodies that would be carried out, were the caller allowed to; by the end of the path.
BODIES: Mapping[str, Any] = {
    "chat": {"message": "mine now"},
    "retry": {},
    "edit": {"message": "mine now"},
    "{conversation_id}": {"title": "Mine now"},
    "{call_id}": {"decision": "approve"},
}
TEXT = b"for my eyes only"
FOREIGN = ("conversation_id", "run_id", "thread_id", "attachment_id")


@dataclass(frozen=True)
class Belongings:
    user_id: str
    conversation_id: str
    run_id: str
    message_id: str
    attachment_id: str

    def address(self, path: str, user_id: str) -> str:
        """A path of the API's description as an address of these, asked for by that user."""
        return path.format(
            user_id=user_id,
            conversation_id=self.conversation_id,
            thread_id=self.conversation_id,
            run_id=self.run_id,
            message_id=self.message_id,
            attachment_id=self.attachment_id,
            call_id=uuid4(),
        )

    def body(self, path: str) -> dict[str, Any]:
        end = path.rpartition("/")[2]
        if end == "branch":
            return {"json": {"message_id": self.message_id}}
        if end == "{attachment_id}":
            return {"content": TEXT}
        return {"json": BODIES[end]} if end in BODIES else {}


def belongings_of(person: Person, site: Site) -> Belongings:
    """Makes them, through the site."""
    with person.client(site) as client:
        announced = client.post(
            "/api/chatkit",
            json={
                "type": "attachments.create",
                "params": {"name": "a.txt", "size": len(TEXT), "mime_type": "text/plain"},
            },
        ).raise_for_status()
        upload = announced.json()["upload_descriptor"]
        client.put(upload["url"], content=TEXT).raise_for_status()
        said = client.post("/api/chatkit", json=message("add buy milk")).raise_for_status()
        events = events_of(said.text)
        return Belongings(
            user_id=person.user_id,
            conversation_id=events[0]["thread"]["id"],
            run_id=said.headers["verbatim-run"],
            message_id=events[1]["item"]["id"],
            attachment_id=announced.json()["id"],
        )


def message(text: str, **thread: str) -> dict[str, Any]:
    """A ChatKit request that says something, in a new thread unless one is given."""
    content = [{"type": "input_text", "text": text}]
    said = {"content": content, "attachments": [], "inference_options": {}}
    kind = "threads.add_user_message" if thread else "threads.create"
    return {"type": kind, "params": {**thread, "input": said}}


def routes(api: httpx.Client) -> Iterator[tuple[str, str]]:
    """Method and path of everything in the API's description that asks for credentials."""
    for path, item in api.get("/openapi.json").raise_for_status().json()["paths"].items():
        for method, operation in item.items():
            if operation.get("security"):
                yield method.upper(), path


def events_of(body: str) -> list[dict[str, Any]]:
    """Of a whole response of ChatKit."""
    lines = body.splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
