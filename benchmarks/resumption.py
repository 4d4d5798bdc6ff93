"""How soon a reader who comes back sees the next frame, here and on another node."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.measures import Goal, Measure, percentile
from benchmarks.paced_model import request_for
from benchmarks.plan import Plan
from benchmarks.processes import Served
from benchmarks.reply import ask, resume
from benchmarks.server import database
from benchmarks.serving import served, token_of
from runtime.embedded import EmbeddedServer

#: Of each run a reader has seen this many frames, and comes back while it is still at work.
SEEN_FRAMES = 20
WISH = request_for(100, 0.02)


async def measure(server: EmbeddedServer, plan: Plan) -> list[Measure]:
    async with (
        database(server, "resuming") as url,
        served(url, "paced") as here,
        served(url, "paced") as there,
    ):
        runs = plan.rounds * plan.replies // 5
        near = [await _seconds_until_a_frame(here, here) for _ in range(runs)]
        far = [await _seconds_until_a_frame(here, there) for _ in range(runs)]
    return [
        _latest("the same node", near, Goal(100.0, 100.0, is_upper=True)),
        _latest("another node", far, Goal(1_000.0, 1_000.0, is_upper=True)),
    ]


def _latest(place: str, seconds: Sequence[float], goal: Goal) -> Measure:
    middle = 1e3 * percentile(sorted(seconds), 0.5)
    return Measure(
        measure=f"resumption of a run on {place}: first frame, latest of {len(seconds)} "
        f"(p50 {middle:.1f} ms)",
        value=1e3 * max(seconds),
        unit="ms",
        goal=goal,
    )


async def _seconds_until_a_frame(worker: Served, reader: Served) -> float:
    token = token_of("ada")
    reply = await ask(worker.port, WISH, token=token)
    await reply.until(SEEN_FRAMES)
    rest = await resume(reader.port, reply.run_id, SEEN_FRAMES, token=token)
    await rest.until(1)
    await reply.end()
    return rest.first_frame_at - rest.asked_at
