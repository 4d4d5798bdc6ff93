"""pgbench, one INSERT of one event a transaction: what a server takes without any grouping."""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

from benchmarks.measures import Rate
from benchmarks.server import execute, program

STATE_BYTES = 600
THREADS = 2
#: pgbench's clock runs while it connects; its rate leaves that out.
CONNECTED_A_SECOND = 100

TABLE = "CREATE TABLE public.plain_events (LIKE verbatim.events INCLUDING ALL)"
SCRIPT = """\
\\set version :version + 1
INSERT INTO public.plain_events
    (stream_id, stream_version, event_id, topic, schema_version, state, owner_id, metadata)
VALUES (:run || '-' || :client_id, :version, gen_random_uuid(), 'conversation.renamed', 1,
    :state, 'ada', :metadata);
"""
METADATA = "m" * 130


async def prepare(url: str) -> None:
    await execute(url, TABLE)


class Pgbench:
    def __init__(self, url: str) -> None:
        self._url = url
        self._runs = 0

    async def insert(self, clients: int, seconds: float) -> Rate:
        """Every transaction is one durable INSERT; each client writes a stream of its own."""
        self._runs += 1
        with tempfile.TemporaryDirectory(prefix="verbatim-pgbench-") as folder:
            script = Path(folder) / "insert.sql"
            script.write_text(SCRIPT)
            report = await _run(
                program("pgbench"), "--no-vacuum", "--protocol=prepared",
                f"--client={clients}", f"--jobs={min(THREADS, clients)}",
                f"--time={round(seconds) + clients // CONNECTED_A_SECOND}", f"--file={script}",
                "--define=version=0", f"--define=run='{self._runs}'",
                f"--define=state={'s' * STATE_BYTES}", f"--define=metadata={METADATA}",
                "--log", f"--log-prefix={folder}/log",
                self._url,
            )  # fmt: skip
            return Rate(_transactions_per_second(report), _latencies(Path(folder)))


async def _run(*command: object) -> str:
    process = await asyncio.create_subprocess_exec(
        *map(str, command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"pgbench failed: {errors.decode().strip()}")
    return output.decode()


def _transactions_per_second(report: str) -> float:
    match = re.search(r"tps = ([\d.]+)", report)
    if match is None:
        raise RuntimeError(f"pgbench answered without a rate: {report}")
    return float(match[1])


def _latencies(folder: Path) -> list[float]:
    """The log's third column is a transaction's time in microseconds."""
    lines = (line for log in folder.glob("log*") for line in log.read_text().splitlines())
    return sorted(int(line.split(" ", 3)[2]) / 1e6 for line in lines)
