"""Runs one agent turn and reports every address that any code of the process wanted to reach.

`python -m tests.integration.agent.egress_probe BASE_URL API [tracing]`. The hook is installed
before anything else is imported, sees every thread, stays until the interpreter is gone, and lets
nothing but loopback pass, so no test can reach out by accident.
"""

import os
import sys
from typing import Any

ADDRESS_ARGUMENT = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
}


def report_address(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in ADDRESS_ARGUMENT:
        return
    address = arguments[ADDRESS_ARGUMENT[event]]
    host = address[0] if isinstance(address, tuple) else address
    port = address[1] if isinstance(address, tuple) else arguments[1:2]
    os.write(1, f"{event} {_text(host)} {_text(port)}\n".encode())
    if _text(host) != "127.0.0.1":
        raise PermissionError(f"the probe lets nothing out, not to {host}")


def _text(value: object) -> str:
    if isinstance(value, tuple):
        value = value[0] if value else ""
    return value.decode() if isinstance(value, bytes) else str(value)


async def run(base_url: str, api: Any, tracing: bool) -> None:
    from agents import Agent, Runner, flush_traces

    from agent.models import ModelConfig, build_model, model_settings

    config = ModelConfig(os.environ["OPENAI_API_KEY"], base_url, "m", api, 10.0, tracing=tracing)
    model = build_model(config)
    agent = Agent("probe", model=model, model_settings=model_settings(config))
    result = Runner.run_streamed(agent, "hello")
    async for _ in result.stream_events():
        pass
    await model.close()
    flush_traces()
    os.write(1, f"said {result.final_output}\n".encode())


if __name__ == "__main__":
    sys.addaudithook(report_address)
    import asyncio

    asyncio.run(run(sys.argv[1], sys.argv[2], tracing=sys.argv[3:] == ["tracing"]))
