"""A process that appends to streams which other processes append to: prints what it won.

python -m tests.contract.store.racing_writers URL SEED STREAM...
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Sequence

from events.errors import VersionConflict
from tests.log_node import LogNode, append_to, log_node

WRITERS = 4
ROUNDS = 25
MOST_STREAMS = 4


async def race(url: str, seed: int, streams: Sequence[str]) -> int:
    async with log_node(url) as node:
        writing = (write(node, f"{seed} {n}", streams) for n in range(WRITERS))
        return sum(await asyncio.gather(*writing))


async def write(node: LogNode, seed: str, streams: Sequence[str]) -> int:
    """Appends to several streams at once, in any order, where others do the same."""
    choice = random.Random(seed)
    wins = 0
    for _ in range(ROUNDS):
        chosen = choice.sample(streams, k=choice.randint(1, MOST_STREAMS))
        versions = [len(await node.store.read_stream(stream)) for stream in chosen]
        appends = [append_to(s, v) for s, v in zip(chosen, versions, strict=True)]
        try:
            await node.store.append_all(appends)
        except VersionConflict:
            continue
        wins += len(appends)
    return wins


if __name__ == "__main__":
    print(asyncio.run(race(sys.argv[1], int(sys.argv[2]), sys.argv[3:])))
