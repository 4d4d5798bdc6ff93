"""What a model is given in the midst of a run keeps the rules that a run's context keeps."""

from __future__ import annotations

import pytest

from agent.models import ModelConfig, build_model
from tests.agent_node import agent_node
from tests.unit.agent.responses_rules import violations
from tests.wire import Calls, Reasoning, ResponsesServer, Text


@pytest.mark.parametrize("sealed", ["sealed thought", None], ids=["sealed", "reference"])
async def test_reasoning_that_its_host_did_not_keep_is_not_given_back(
    database_url: str, sealed: str | None
) -> None:
    thought = Reasoning("The user wants milk.", encrypted_content=sealed)
    script = [thought + Calls([("add_task", {"title": "milk"})]), Text("Added."), Text("Bye.")]
    async with ResponsesServer(script) as host:
        model = build_model(
            ModelConfig(
                api_key="key",
                base_url=host.base_url,
                model="test",
                api="responses",
                timeout_seconds=10,
            )
        )
        async with agent_node(database_url, model) as node:
            sent = await node.say("add milk")
            await node.frames(sent.run_id)
            last = await node.say("thanks", sent.conversation_id)
            await node.frames(last.run_id)
        await model.close()
    _, within, after = [request.body["input"] for request in host.requests]
    for given in (within, after):
        assert violations(given) == []
        kinds = [item["type"] for item in given][:3]
        (called,) = [item for item in given if item["type"] == "function_call"]
        assert ("reasoning" in kinds) == (sealed is not None)
        assert ("id" in called) == (sealed is not None)
