"""Three nodes, many users, and SIGKILL: `python -m tests.soak [--minutes 5] [--seed N]`."""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.soak.cluster import Cluster, cluster
from tests.soak.disaster import Disaster
from tests.soak.model import answer
from tests.soak.recordings import Recording
from tests.soak.user import Known, User

NODES = ("one", "two", "three")
KILLS_A_MINUTE = 5
CHECK_SECONDS = 300.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--kills", type=int, help="default: five a minute")
    parser.add_argument("--users", type=int, default=8)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    chosen = parser.parse_args()
    kills = chosen.kills or round(chosen.minutes * KILLS_A_MINUTE)
    print(
        f"seed {chosen.seed}: {chosen.minutes:g} min, {chosen.users} users, {kills} kills",
        flush=True,
    )
    with tempfile.TemporaryDirectory(prefix="verbatim-soak-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        return soak(folder, chosen.minutes * 60, kills, chosen.users, chosen.seed)


def soak(folder: Path, seconds: float, kills: int, users: int, seed: int) -> int:
    """0 when every law holds."""
    recordings = folder / "recordings"
    recordings.mkdir()
    with cluster(folder, answer, AGENT_TITLES="true") as nodes:
        with ThreadPoolExecutor() as threads:
            list(threads.map(nodes.start, NODES))
        return asyncio.run(_soak(nodes, recordings, seconds, kills, users, seed))


async def _soak(
    nodes: Cluster, recordings: Path, seconds: float, kills: int, users: int, seed: int
) -> int:
    is_over, known = asyncio.Event(), Known()
    with Recording(recordings / "disaster.jsonl") as disasters:
        disaster = Disaster(nodes, NODES, disasters, seed)
        async with asyncio.TaskGroup() as group:
            for n in range(users):
                group.create_task(_use(f"user-{n}", seed, disaster, recordings, known, is_over))
            await disaster.run(kills, seconds)
            is_over.set()
    code = await _judge(nodes.database_url, recordings)
    for name in NODES:
        await asyncio.to_thread(nodes.stop, name)
    _tell_logged(nodes.logged)
    return code


async def _use(
    name: str, seed: int, disaster: Disaster, recordings: Path, known: Known, is_over: asyncio.Event
) -> None:
    with Recording(recordings / f"{name}.jsonl") as recording:
        await User(name, seed, disaster.addresses, recording, known).run(is_over)


async def _judge(database_url: str, recordings: Path) -> int:
    """By a program that knows nothing of what went on here."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.soak.check", database_url, str(recordings)
    )
    async with asyncio.timeout(CHECK_SECONDS):
        return await process.wait()


def _tell_logged(lines: list[str]) -> None:
    """What the nodes complained about, by event."""
    complaints: Counter[str] = Counter()
    for line in lines:
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if said.get("level") in ("warning", "error", "critical"):
            complaints[f"{said['level']} {said['event']} {said.get('error', '')}".strip()] += 1
    for complaint, times in complaints.most_common():
        print(f"logged {times} times: {complaint}")


if __name__ == "__main__":
    sys.exit(main())
