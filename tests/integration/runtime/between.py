"""What may stand between us and a database: a pooler, or a wire that can be cut."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from runtime.embedded import launch
from tests.requirements import require

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
#: Fewer than clients, so that each transaction may meet another session.
SERVER_SESSIONS = 3
DEADLINE_SECONDS = 10.0
CONFIGURATION = """
[databases]
* = host={socket_dir} port=5432 user={user} password={password} {more}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 200
logfile = {folder}/pgbouncer.log
"""
READ_ONLY = "connect_query='SET default_transaction_read_only = on'"
TLS = """
client_tls_sslmode = require
client_tls_cert_file = {file}
client_tls_key_file = {file}
"""


@contextmanager
def pgbouncer(
    database_url: str,
    folder: Path,
    port: int,
    *,
    certificate: Path | None = None,
    is_read_only: bool = False,
) -> Iterator[str]:
    """The URL of the same database behind PgBouncer in transaction mode; or a skip.

    With a certificate (and its key in the same file) it speaks nothing but TLS.
    """
    program = require(PGBOUNCER, "PgBouncer")
    parts = urlsplit(database_url)
    socket_dir = Path(parse_qs(parts.query)["host"][0])
    file = folder / "pgbouncer.ini"
    file.write_text(
        CONFIGURATION.format(
            socket_dir=socket_dir,
            user=parts.username,
            password=unquote(parts.password or ""),
            port=port,
            sessions=SERVER_SESSIONS,
            folder=folder,
            more=READ_ONLY if is_read_only else "",
        )
        + (TLS.format(file=certificate) if certificate else "")
    )
    process = subprocess.Popen([*as_owner_of(socket_dir, folder), program, "-q", str(file)])
    try:
        wait_for_port(port, process)
        yield f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}?pgbouncer=true"
    finally:
        process.kill()
        process.wait()


def as_owner_of(socket_dir: Path, folder: Path) -> list[str]:
    """PgBouncer refuses to run as root, and has to reach the server's private socket."""
    owner = socket_dir.stat()
    kind, uid, gid = "own", os.geteuid(), os.getegid()
    if os.geteuid() == 0 and owner.st_uid == 0:
        kind, uid, gid = "namespace", 1, 1
    elif os.geteuid() == 0:
        kind, uid, gid = "account", owner.st_uid, owner.st_gid
        for path in (folder, *folder.iterdir()):
            os.chown(path, uid, gid)
    python = [sys.executable, "-I", "-S", launch.__file__]
    return [*python, str(os.getpid()), kind, str(uid), str(gid)]


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    import socket

    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        assert process.poll() is None, "it did not start"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert time.monotonic() < deadline, "it does not listen"
        time.sleep(0.02)


def write_certificate(file: Path) -> None:
    """A self-signed certificate for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(certificate.public_bytes(pem) + private)


@dataclass
class Wire:
    """A TCP port in front of the server's socket; `cut` and `mend` are the network's doing."""

    socket_path: str
    port: int
    is_cut: bool = True
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _carrying: set[asyncio.Task[None]] = field(default_factory=set)

    async def mend(self) -> None:
        self.is_cut = False
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def cut(self) -> None:
        self.is_cut = True
        if self._server is not None and self._server.sockets:
            # Of a connection that is half accepted when its server closes, asyncio in Python 3.11
            # keeps the socket open, and nobody ever answers on it.
            asyncio.get_running_loop().remove_reader(self._server.sockets[0].fileno())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        if self._carrying:
            await asyncio.wait(self._carrying)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._carry(reader, writer))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A client is hung up on when there is no server, and when the wire was cut meanwhile."""
        ends = {writer}
        self._writers.add(writer)
        try:
            server_reader, server_writer = await asyncio.open_unix_connection(self.socket_path)
            ends.add(server_writer)
            if not writer.is_closing():
                self._writers.add(server_writer)
                await asyncio.gather(pump(reader, server_writer), pump(server_reader, writer))
        except OSError:
            pass
        finally:
            self._writers -= ends
            for end in ends:
                end.transport.abort()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def wire(database_url: str, port: int) -> AsyncIterator[tuple[Wire, str]]:
    """A wire that is not mended yet, and the database's URL over it."""
    parts = urlsplit(database_url)
    carrier = Wire(f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432", port)
    try:
        login = f"{parts.username}:{parts.password}"
        yield carrier, f"postgresql://{login}@127.0.0.1:{port}{parts.path}"
    finally:
        await carrier.cut()
