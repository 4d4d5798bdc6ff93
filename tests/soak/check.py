"""Judges a soak by its database and its clients' recordings alone.

`python -m tests.soak.check DATABASE_URL RECORDINGS`: exit code 1 when a law is broken.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.log_node import log_node
from tests.soak.evidence import gather_evidence
from tests.soak.laws import tally, violations
from tests.soak.settling import settled

MOST_SHOWN = 5


async def check(database_url: str, recordings: Path) -> bool:
    """Whether every law holds; says so law by law."""
    async with log_node(database_url, is_sealing=False) as node:
        await settled(node)
        evidence = await gather_evidence(node, recordings)
        broken = await violations(evidence, node)
    print(", ".join(f"{count} {name}" for name, count in tally(evidence).items()))
    for law, found in broken.items():
        print(f"{'BROKEN' if found else 'holds '}  {law.replace('_', ' ')}")
        for one in found[:MOST_SHOWN]:
            print(f"        {one}")
        if len(found) > MOST_SHOWN:
            print(f"        and {len(found) - MOST_SHOWN} more")
    return not any(broken.values())


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(check(sys.argv[1], Path(sys.argv[2]))) else 1)
