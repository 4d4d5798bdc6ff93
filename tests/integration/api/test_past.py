"""`verbatim events replay --as messages` against what the history API answered at the time."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from agents.testing import ScriptedModel, assistant_message, function_call

from agent.deleting import delete_conversation
from cli.errors import CliError, Usage
from cli.replay_wanted import wanted_of
from cli.replaying import replay_conversation
from events.ids import new_id
from runtime.node import Node
from runtime.settings import Settings
from tests.integration.cli.history import erase

from .test_branches import answer_of, at, chat, edit, retry, switch

MILK = function_call("add_task", {"title": "buy <b>milk</b>"}, call_id="call_a")
NOTHING = function_call("complete_task", {"task_id": str(new_id())}, call_id="call_b")


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel(
        [
            [MILK],
            [assistant_message("Added `milk`.")],
            [NOTHING],
            [assistant_message("There is none.")],
            [assistant_message("Once more.")],
            [assistant_message("Good morning.")],
        ]
    )


@dataclass
class Recorder:
    """What the API answered after each write, by the position that the write answered with."""

    client: httpx.AsyncClient
    conversation_id: str
    answers: dict[int, dict[str, Any]] = field(default_factory=dict)

    async def record(self) -> None:
        conversation = (await self.client.get(at(self.conversation_id))).json()
        path = at(self.conversation_id, "/messages")
        page = (await self.client.get(path, params={"limit": 100})).json()
        self.answers[conversation["version"]] = {**page, "title": conversation["title"]}


async def recorded(client: httpx.AsyncClient) -> Recorder:
    """Tools, a title, a branch by retry, one by edit, and the way back."""
    first = await chat(client, "add milk")
    recorder = Recorder(client, first["conversation_id"])
    await recorder.record()
    second = await chat(client, "complete it", conversation_id=recorder.conversation_id)
    await recorder.record()
    renamed = await client.patch(at(recorder.conversation_id), json={"title": "Shopping <i>"})
    stream_id, _, version = renamed.headers["verbatim-position"].partition(":")
    await recorder.record()
    assert stream_id == f"conversation-{recorder.conversation_id}"
    assert int(version) in recorder.answers
    answer_of(await retry(client, second))
    await recorder.record()
    answer_of(await edit(client, first, "good morning"))
    await recorder.record()
    await switch(client, recorder.conversation_id, message_id=first["message_id"])
    await recorder.record()
    assert len(recorder.answers) == 6
    return recorder


class Replay:
    """`verbatim events replay CONVERSATION …`, without a process of its own for each question."""

    def __init__(self, settings: Settings, of: str, printed: pytest.CaptureFixture[bytes]) -> None:
        assert settings.database_url is not None
        self.url = settings.database_url.get_secret_value()
        self._settings = settings
        self._of = of
        self._printed = printed

    async def text(self, **asked: Any) -> str:
        defaults = {"view": "events", "at": None, "diff": None, "branch_id": None, "form": None}
        wanted = wanted_of(**{**defaults, "follow": False, "as_json": False, **asked})
        self._printed.readouterr()
        await replay_conversation(self._settings, self.url, self._of, wanted)
        return self._printed.readouterr().out.decode()

    async def rows(self, **asked: Any) -> list[dict[str, Any]]:
        said = await self.text(form="json", **asked)
        return [json.loads(line) for line in said.splitlines()]

    async def page(self, **asked: Any) -> dict[str, Any]:
        (page,) = await self.rows(view="messages", **asked)
        return page


async def test_replay_equals_what_the_api_answered(
    client: httpx.AsyncClient,
    node: Node,
    settings: Settings,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    recorder = await recorded(client)
    of, versions = recorder.conversation_id, sorted(recorder.answers)
    replay = Replay(settings, of, capsysbinary)
    for version, wanted in recorder.answers.items():
        told = await replay.page(at=str(version))
        assert {name: told[name] for name in wanted} == wanted, version
        assert (told["version"], told["state"]) == (version, "active")
        assert await replay.page(at=f"@{told['position']}") == told
        assert await replay.page(at=told["recorded_at"]) == told
    main = (await client.get(at(of, "/messages"), params={"branch": "main"})).json()["data"]
    assert (await replay.page(branch_id="main"))["data"] == main
    with pytest.raises(CliError, match="had not begun"):
        await replay.page(at="0")
    with pytest.raises(CliError, match="no branch"):
        await replay.page(branch_id="other")

    between = (str(versions[1]), str(versions[4]))
    title, branch, *added = await replay.rows(diff=between)
    assert (title["before"], title["after"]) == ("add milk", "Shopping <i>")
    assert (branch["kind"], branch["before"]) == ("branch", "main")
    assert [change["kind"] for change in added] == ["message_added"] * 3
    assert "title changed\n    add milk → Shopping <i>\n" in await replay.text(diff=between)
    assert await replay.rows(diff=(between[0], between[0])) == []
    with pytest.raises(Usage, match="after the second"):
        await replay.rows(diff=between[::-1])
    # In the middle of the first run: its call was made, and was not answered yet.
    within = await replay.rows(diff=("6", str(versions[0])))
    (status,) = [change for change in within if change["kind"] == "tool_status"]
    assert (status["before"]["status"], status["after"]["status"]) == ("running", "success")
    assert {change["kind"] for change in within} == {"tool_status", "content", "status"}

    assert "&lt;b&gt;milk&lt;/b&gt;" in await replay.text(view="messages", form="html", at="12")
    assert "# Shopping \\<i\\>" in await replay.text(form="markdown")

    await delete_conversation(node.handler, node.leases, "ada", of)
    assert (await client.get(at(of, "/messages"))).status_code == 404
    gone = await replay.page()
    assert (gone["state"], gone["data"]) == ("deleted", [])
    await erase(replay.url, "ada")
    lost = await replay.page(at="12")
    assert (lost["state"], lost["title"], lost["data"]) == ("erased", "", [])
    assert "state: erased" in await replay.text(view="messages")
    assert "milk" not in await replay.text(form="html")
