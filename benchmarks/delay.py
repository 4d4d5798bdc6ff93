"""A network round trip, injected: a socket in front of the server's own that passes bytes on late.

Run as a process of its own (`python -m benchmarks.delay FROM TO SECONDS`), so that its work is not
the client's.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

import uvloop

CHUNK_BYTES = 65_536
START_SECONDS = 10.0
SOCKET_NAME = ".s.PGSQL.5432"


@asynccontextmanager
async def delayed(url: str, seconds: float) -> AsyncIterator[str]:
    """The URL of the same database with `seconds` more to each round trip."""
    host = unquote(parse_qs(urlsplit(url).query)["host"][0])
    with tempfile.TemporaryDirectory(prefix="verbatim-delay-") as folder:
        near, far = Path(folder) / SOCKET_NAME, Path(host) / SOCKET_NAME
        proxy = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.delay", str(near), str(far), str(seconds)
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                while not near.exists():  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            yield url.replace(quote(host, safe=""), quote(folder, safe="")).replace(host, folder)
        finally:
            proxy.terminate()
            await proxy.wait()


async def _serve(near: str, far: str, seconds: float) -> None:
    async def pair(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(far)
        # All of it on the way there: one timer a round trip, so less of the timers' own error.
        await asyncio.gather(
            _pass_on(reader, far_writer, seconds), _pass_on(far_reader, writer, 0.0)
        )

    server = await asyncio.start_unix_server(pair, near)
    await server.serve_forever()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> None:
    loop = asyncio.get_running_loop()
    while chunk := await reader.read(CHUNK_BYTES):
        if seconds:
            loop.call_later(seconds, writer.write, chunk)
        else:
            writer.write(chunk)
    await asyncio.sleep(seconds)
    writer.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(sys.argv[1], sys.argv[2], float(sys.argv[3])))
