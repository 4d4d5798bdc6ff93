from __future__ import annotations

from events import conversation as c
from events.keys import parse_event_key
from tests.integration.cli.command_line import EVENT_KEY, on_database
from tests.log_node import append_to, log_node, new_stream
from tests.unit.projections.histories import posted, requested, run_started


async def write_runs(url: str) -> None:
    async with log_node(url, size=6, event_key=parse_event_key(EVENT_KEY)) as node:
        for n, tokens in enumerate((10, 20)):
            used = c.Usage(requests=1, input_tokens=tokens, output_tokens=2)
            ended = c.RunCompleted(run_id=f"r{n}", usage=used)
            begun = (c.Started(), posted("m1"), requested(f"r{n}", "m1"), run_started(f"r{n}"))
            await node.store.append(append_to(new_stream(), 0, *begun, ended))
        await node.sealer.seal()


async def test_usage_is_added_up_on_the_command_line(database_url: str) -> None:
    line = on_database(database_url)
    line.answer("projections", "rebuild")
    await write_runs(database_url)
    uncounted = line.answer("usage", "--json")
    assert uncounted.out == ""
    assert uncounted.complaint() == "The newest 10 events of the log are not counted yet."
    line.answer("projections", "rebuild")
    (row,) = line.answer("usage", "--by", "model", "--json").rows()
    numbers = {"runs": 2, "requests": 2, "input_tokens": 30, "output_tokens": 4}
    assert row == {"model": "scripted", **numbers}
    plain = line.answer("usage", "--by", "user", "--user", "ada", "--to", "9999-12-31").out
    assert plain == "total\t0\t0\t0\t0\n"
