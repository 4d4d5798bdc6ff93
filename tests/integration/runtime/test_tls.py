"""TLS against a server that speaks it: Debian's PostgreSQL 15 (the embedded one does not)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from agent.offline.model import OfflineModel
from agent.sending import Message
from runtime.database import open_database
from runtime.errors import DatabaseUnreachable
from runtime.migrations import migrate
from runtime.node import open_node
from runtime.settings import load_settings
from runtime.urls import database_urls
from tests.databases import cloned, make_template
from tests.integration.runtime.between import write_certificate
from tests.ports import free_port
from tests.private_servers import PrivateServer, initdb, stopped_server

VERSION = "15"
ACCESS = """
local   all all                scram-sha-256
hostssl all all 127.0.0.1/32   scram-sha-256
"""
EVENT_KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
UNENCRYPTED = """
SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
WHERE datname = current_database() AND NOT ssl AND pid <> pg_backend_pid()
"""
ENCRYPTED = UNENCRYPTED.replace("NOT ssl", "ssl")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("certificate") / "server.pem"
    write_certificate(file)
    return file


@pytest.fixture(scope="module")
def postgres(
    certificate: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrivateServer]:
    folder = tmp_path_factory.mktemp("tls")
    own, access = folder / "server.pem", folder / "pg_hba.conf"
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(free_port()),
        "ssl": "on",
        "ssl_cert_file": str(own),
        "ssl_key_file": str(own),
        "hba_file": str(access),
    }
    with stopped_server(folder, VERSION, settings) as server:
        initdb(server.cluster, server.password)
        own.write_bytes(certificate.read_bytes())
        own.chmod(0o600)
        access.write_text(ACCESS)
        for file in (own, access):
            server.cluster.identity.give(file)
        server.start()
        yield server


@pytest.mark.parametrize(
    "parameters",
    [
        "sslmode=require",
        "sslmode=require&channel_binding=require",
        "sslmode=prefer",
        "",
        "sslmode=verify-ca&sslrootcert={root}",
        "sslmode=verify-full&sslrootcert={root}",
        "sslmode=verify-full&sslrootcert={root}&channel_binding=require",
    ],
)
async def test_connection_is_encrypted(
    postgres: PrivateServer, certificate: Path, parameters: str
) -> None:
    url = f"{postgres.tcp_url_of('postgres')}?{parameters.format(root=certificate)}"
    async with open_database(database_urls(url)) as opened:
        query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        assert await opened.direct.fetchval(query) is True


@pytest.mark.parametrize(
    ("host", "parameters", "reason"),
    [
        ("127.0.0.1", "sslmode=verify-full", "is not trusted: self-signed certificate"),
        ("localhost", "sslmode=verify-full&sslrootcert={root}", "Hostname mismatch"),
        ("127.0.0.1", "sslmode=disable", "no pg_hba.conf entry"),
    ],
    ids=["unknown issuer", "another's name", "no encryption"],
)
async def test_connection_that_is_not_what_was_asked_for_is_refused(
    postgres: PrivateServer, certificate: Path, host: str, parameters: str, reason: str
) -> None:
    url = postgres.tcp_url_of("postgres").replace("127.0.0.1", host)
    urls = database_urls(f"{url}?{parameters.format(root=certificate)}")
    with pytest.raises(DatabaseUnreachable, match=reason):
        async with open_database(urls, start_timeout_seconds=2):
            pass


async def test_node_works_over_tls_alone(
    postgres: PrivateServer, certificate: Path, tmp_path: Path
) -> None:
    template = make_template(postgres, migrate)
    async with cloned(postgres, template) as local:
        name = local.partition("@/")[2].partition("?")[0]
        parameters = f"sslmode=verify-full&sslrootcert={certificate}&channel_binding=require"
        settings = load_settings(
            verbatim_data_dir=tmp_path,
            database_url=f"{postgres.tcp_url_of(name)}?{parameters}",
            event_key=EVENT_KEY,
            better_auth_secret="a secret for tests that is long enough",
        )
        async with open_node(settings, model=OfflineModel(delay_seconds=0)) as node:
            sent = await node.sender.send("ada", None, Message(text="add buy milk"))
            async for _ in node.frames.follow(sent.run_id, "ada"):
                pass
            page = await node.reads.messages_page("ada", sent.conversation_id, limit=10)
            assert [row.role for row in page.rows] == ["user", "assistant"]
            assert node.listener is not None
            assert node.listener.is_listening
            observer = await asyncpg.connect(local)
            assert await observer.fetchval(UNENCRYPTED) == 0
            assert await observer.fetchval(ENCRYPTED) > 2
            await observer.close()
