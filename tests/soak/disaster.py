"""Takes nodes away under the clients: SIGKILL and a new start, or a stop from which they wake."""

from __future__ import annotations

import asyncio
import random
import signal
import time

from tests.soak.cluster import Cluster
from tests.soak.recordings import Kill, Recording

#: Longer than a lease: whoever wakes up finds that its runs are another's.
STALL_SECONDS = 14.0
SHARE_STALLED = 0.15


class Disaster:
    def __init__(
        self, cluster: Cluster, names: tuple[str, ...], recording: Recording, seed: int
    ) -> None:
        self.kills = 0
        self._cluster = cluster
        self._names = names
        self._recording = recording
        self._chance = random.Random(f"{seed} disaster")
        self._away: set[str] = set()

    def addresses(self) -> list[str]:
        """Of the nodes that may answer."""
        return [self._cluster.nodes[name].url for name in self._names if name not in self._away]

    async def run(self, kills: int, seconds: float) -> None:
        """So many kills within the time, one node at least staying up."""
        async with asyncio.TaskGroup() as returns:
            while self.kills < kills:
                await asyncio.sleep(seconds / kills * self._chance.uniform(0.6, 1.2))
                up = [name for name in self._names if name not in self._away]
                if len(up) > 1:
                    name = self._chance.choice(up)
                    is_stall = self._chance.random() < SHARE_STALLED
                    returns.create_task(self._stall(name) if is_stall else self._kill(name))

    async def _kill(self, name: str) -> None:
        self._away.add(name)
        self.kills += 1
        self._recording.add(Kill(node=name, how="kill", at_ns=time.time_ns()))
        await asyncio.to_thread(self._cluster.kill, name)
        await self._restart(name)
        self._away.discard(name)

    async def _restart(self, name: str) -> None:
        """Once more where a busy machine took too long, and says so."""
        try:
            await asyncio.to_thread(self._cluster.start, name)
        except AssertionError:
            print(f"{name} did not start in time, and is started once more", flush=True)
            await asyncio.to_thread(self._cluster.start, name)

    async def _stall(self, name: str) -> None:
        process = self._cluster.nodes[name].process
        self._away.add(name)
        self._recording.add(Kill(node=name, how="stop", at_ns=time.time_ns()))
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(STALL_SECONDS)
        process.send_signal(signal.SIGCONT)
        self._away.discard(name)
