"""The model behind the site under test: scripted where a test says so, else the built-in rules."""

from __future__ import annotations

from agent.offline.history import read
from agent.offline.planning import next_step
from tests.wire import Calls, Rule, SlowFirstByte, Text, Turn, WireRequest
from tests.wire.scripts import choose_by

#: As long as a proxy's patience, and a bit.
SILENT_SECONDS = 35.0
#: Twenty words in four seconds: what buffers hands them out at once.
WORDS = [f"word{number}" for number in range(20)]
WORD_SECONDS = 0.2
AFTER_SILENCE = "Here I am again."
COUNTING = " ".join(WORDS)

_SCRIPTED = choose_by(
    [
        Rule("^count slowly", Text(COUNTING, chunk=7, gap_seconds=WORD_SECONDS)),
        Rule("^count to", Text(COUNTING, chunk=7)),
        Rule("^finish a task", Calls([("complete_task", {"task_id": "none"})]), outputs=0),
        Rule("^finish a task", Text("That task could not be finished.")),
        Rule("^link to", Text("See [the list](chatkit-link://list?of=tasks).")),
        Rule("^be silent", SlowFirstByte(SILENT_SECONDS, Text(AFTER_SILENCE))),
    ]
)
_BEGINNINGS = ("count slowly", "count to", "finish a task", "link to", "be silent")


def answer(request: WireRequest) -> Turn:
    if request.last_user_text.startswith(_BEGINNINGS):
        return _SCRIPTED(request)
    tools = {tool["name"] for tool in request.body.get("tools", ()) if "name" in tool}
    step = next_step(read(request.body["input"]), tools)
    if step.requests:
        return Calls([(call.name, call.arguments) for call in step.requests])
    return Text(step.text)
