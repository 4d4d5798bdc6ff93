from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from structlog.testing import capture_logs

from runtime.connecting import connect_patiently, reason_of
from runtime.database import Database, open_database
from runtime.errors import DatabaseUnreachable, ListenUnavailable
from runtime.urls import connect_arguments, database_urls
from tests.integration.runtime.between import pgbouncer, wire, write_certificate

SESSIONS = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
KILL = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_urls(database_url)) as opened:
        yield opened


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def select(database: Database, statement: str) -> Any:
    async with database.engine.connect() as connection:
        return (await connection.execute(text(statement))).scalar()


async def ask_apart(url: str, statement: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def wait_until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_true():
            await asyncio.sleep(0.01)


async def test_database_writes_and_reads(database: Database) -> None:
    assert await database.direct.fetchval("SELECT 1") == 1
    assert await select(database, "SELECT 2") == 2
    assert database.replica is None


async def test_everything_is_closed_at_the_end(database_url: str) -> None:
    async with open_database(database_urls(database_url, read_url=database_url)) as opened:
        assert opened.replica is not None
        async with opened.replica.connect() as connection:
            await connection.execute(text("SELECT 1"))
        await select(opened, "SELECT 1")
        assert await ask_apart(database_url, SESSIONS) == 3
    assert await ask_apart(database_url, SESSIONS) == 0


async def test_connection_that_is_never_released_does_not_hold_up_the_end(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.database.CLOSE_SECONDS", 0.1)
    async with asyncio.timeout(5), open_database(database_urls(database_url)) as opened:
        await opened.direct.acquire()


async def test_listener_hears_what_the_pool_notifies(database: Database) -> None:
    heard: asyncio.Queue[object] = asyncio.Queue()
    listener = await database.connect_listener()
    try:
        await listener.add_listener("doorbell", lambda *call: heard.put_nowait(call[-1]))
        await database.direct.execute("NOTIFY doorbell, 'ding'")
        assert await asyncio.wait_for(heard.get(), 5) == "ding"
    finally:
        await listener.close()


async def test_release_costs_no_round_trip(database: Database, database_url: str) -> None:
    async with database.direct.acquire() as connection:
        pid = connection.get_server_pid()
        await connection.fetchval("SELECT 'the last statement'")
    last = await ask_apart(database_url, f"SELECT query FROM pg_stat_activity WHERE pid = {pid}")
    assert last == "SELECT 'the last statement'"


async def test_release_ends_a_transaction_left_open(database: Database) -> None:
    connection = await database.direct.acquire()
    await connection.execute("BEGIN")
    await connection.execute("SET LOCAL work_mem = '8MB'")
    await database.direct.release(connection)
    async with database.direct.acquire() as again:
        assert not again.is_in_transaction()
        assert await again.fetchval("SELECT current_setting('work_mem')") != "8MB"


async def test_statements_of_a_read_are_transactions_of_their_own(database: Database) -> None:
    begun = text("SELECT now()")
    async with database.engine.connect() as connection:
        first = (await connection.execute(begun)).scalar()
        assert (await connection.execute(begun)).scalar() != first


async def test_read_can_ask_for_one_transaction(database: Database) -> None:
    begun = text("SELECT now()")
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="READ COMMITTED")
        first = (await connection.execute(begun)).scalar()
        assert (await connection.execute(begun)).scalar() == first


async def test_killed_idle_connections_are_replaced_unseen(
    database: Database, database_url: str
) -> None:
    async with contextlib.AsyncExitStack() as held:
        opened = [await held.enter_async_context(database.engine.connect()) for _ in range(4)]
        drivers = [(await one.get_raw_connection()).driver_connection for one in opened]
    await database.direct.fetchval("SELECT 1")
    assert await ask_apart(database_url, KILL) == 5
    await wait_until(lambda: database.direct.get_size() == 0)
    await wait_until(lambda: all(driver.is_closed() for driver in drivers if driver))
    assert await asyncio.gather(*(select(database, "SELECT 1") for _ in range(4))) == [1] * 4
    assert await database.direct.fetchval("SELECT 1") == 1


async def test_pool_lets_a_sleeping_database_sleep(database: Database, database_url: str) -> None:
    await database.direct.fetchval("SELECT 1")
    await ask_apart(database_url, KILL)
    await wait_until(lambda: database.direct.get_size() == 0)
    await asyncio.sleep(1.5)
    assert await ask_apart(database_url, SESSIONS) == 0


async def test_read_whose_connection_is_killed_is_repeated(
    database: Database, database_url: str
) -> None:
    attempts: list[int] = []

    async def read() -> Any:
        attempts.append(1)
        return await select(database, "SELECT 7 FROM pg_sleep(0.3)")

    reading = asyncio.create_task(database.retried(read))
    await asyncio.sleep(0.15)
    await ask_apart(database_url, KILL)
    assert await reading == 7
    assert len(attempts) == 2


async def test_read_that_always_loses_its_connection_gives_up(database: Database) -> None:
    attempts: list[int] = []

    async def read() -> Any:
        attempts.append(1)
        return await select(database, "SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(DBAPIError):
        await database.retried(read)
    assert len(attempts) == 3


async def test_wrong_read_is_not_repeated_and_shows_no_parameters(database: Database) -> None:
    attempts: list[int] = []

    async def read() -> None:
        attempts.append(1)
        async with database.engine.connect() as connection:
            await connection.execute(text("SELECT :a FROM nowhere"), {"a": "hunter2"})

    with pytest.raises(ProgrammingError) as caught:
        await database.retried(read)
    assert len(attempts) == 1
    assert "hunter2" not in str(caught.value)


async def refusal(url: str, **options: Any) -> str:
    started = time.monotonic()
    with pytest.raises(DatabaseUnreachable) as caught:
        async with open_database(database_urls(url, **options), start_timeout_seconds=0.5):
            pass
    assert time.monotonic() - started < 5
    return str(caught.value)


async def test_closed_port_is_reported_in_one_sentence(free_port: int) -> None:
    place = f"127.0.0.1:{free_port}/chat"
    assert await refusal(f"postgresql://amy:hunter2@{place}") == (
        f"The database cannot be reached (nothing listens at {place}): check DATABASE_URL."
    )


async def test_missing_socket_is_reported(tmp_path: Path) -> None:
    message = await refusal(f"postgresql://amy:hunter2@/chat?host={tmp_path}")
    assert f"nothing listens at {tmp_path}/chat" in message


async def test_server_that_says_nothing_is_reported(free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)):
        message = await refusal(f"postgresql://amy:hunter2@127.0.0.1:{free_port}/chat")
    assert f"no answer from 127.0.0.1:{free_port}/chat in time" in message
    assert "hunter2" not in message


async def test_wrong_password_is_reported_at_once_without_it(database_url: str) -> None:
    password = urlsplit(database_url).password
    assert password is not None
    message = await refusal(database_url.replace(password, "hunter2"))
    assert "password authentication failed" in message
    assert "hunter2" not in message


async def test_missing_database_is_reported(database_url: str) -> None:
    name = urlsplit(database_url).path
    message = await refusal(database_url.replace(name, "/nowhere"))
    assert 'database "nowhere" does not exist' in message


async def test_direct_url_is_blamed_when_it_is_wrong(database_url: str, free_port: int) -> None:
    message = await refusal(database_url, direct_url=f"postgresql://127.0.0.1:{free_port}/d")
    assert message.endswith("check DATABASE_DIRECT_URL.")


async def test_primary_is_checked_beside_a_direct_url(database_url: str, free_port: int) -> None:
    url = f"postgresql://127.0.0.1:{free_port}/d"
    message = await refusal(url, direct_url=database_url)
    assert message.endswith("check DATABASE_URL.")


def test_unknown_host_is_named() -> None:
    arguments = connect_arguments("postgresql://amy:hunter2@db.nowhere/chat")
    reason = reason_of(socket.gaierror(-2, "Name or service not known"), arguments)
    assert reason == "the name in db.nowhere/chat is not known"


async def test_replica_may_be_away_at_the_start(database_url: str, free_port: int) -> None:
    urls = database_urls(database_url, read_url=f"postgresql://127.0.0.1:{free_port}/d")
    async with open_database(urls) as opened:
        assert await select(opened, "SELECT 1") == 1


async def test_database_that_starts_late_is_waited_for(database_url: str, free_port: int) -> None:
    async with wire(database_url, free_port) as (carrier, url):
        mending = asyncio.get_running_loop().call_later(
            0.5, lambda: asyncio.ensure_future(carrier.mend())
        )
        async with open_database(database_urls(url)) as opened:
            assert mending.when() <= asyncio.get_running_loop().time()
            assert await select(opened, "SELECT 1") == 1


async def test_outage_shorter_than_the_patience_shows_no_error(
    database_url: str, free_port: int
) -> None:
    async with wire(database_url, free_port) as (carrier, url):
        await carrier.mend()
        async with open_database(database_urls(url)) as opened:
            assert await select(opened, "SELECT 1") == 1
            await carrier.cut()
            await wait_until(lambda: opened.direct.get_size() == 0)
            asyncio.get_running_loop().call_later(
                0.5, lambda: asyncio.ensure_future(carrier.mend())
            )
            answers = await asyncio.gather(
                select(opened, "SELECT 1"), opened.direct.fetchval("SELECT 2")
            )
            assert list(answers) == [1, 2]


async def test_parameters_that_were_left_out_are_logged_by_name(database_url: str) -> None:
    with capture_logs() as lines:
        async with open_database(database_urls(f"{database_url}&schema=public")):
            pass
    assert lines == [
        {
            "event": "database_parameters_ignored",
            "log_level": "warning",
            "setting": "DATABASE_URL",
            "names": ["schema"],
        }
    ]


@pytest.fixture
async def pooled_url(database_url: str, tmp_path: Path, free_port: int) -> AsyncIterator[str]:
    with pgbouncer(database_url, tmp_path, free_port) as url:
        yield url


async def test_reads_through_a_transaction_pooler_never_fail(
    database_url: str, pooled_url: str
) -> None:
    urls = database_urls(pooled_url, direct_url=database_url)

    async def read(opened: Database, number: int) -> Any:
        async with opened.engine.connect() as connection:
            statement = text(f"SELECT CAST(:n AS int) + {number % 7}, CAST(:doc AS jsonb)")
            return (await connection.execute(statement, {"n": number, "doc": "[1]"})).one()

    async with open_database(urls) as opened:
        assert opened.can_listen
        answers = await asyncio.gather(*(read(opened, number) for number in range(300)))
    assert [answer[0] for answer in answers] == [number + number % 7 for number in range(300)]


async def test_pooler_alone_serves_everything_but_listen(pooled_url: str) -> None:
    with capture_logs() as lines:
        async with open_database(database_urls(pooled_url)) as opened:
            assert not opened.can_listen
            with pytest.raises(ListenUnavailable, match="DATABASE_DIRECT_URL"):
                await opened.connect_listener()
            answers = await asyncio.gather(*(write(opened, number) for number in range(100)))
    assert [line["event"] for line in lines] == ["listen_unavailable"]
    assert answers == [[number, number + 1] for number in range(100)]


async def write(opened: Database, number: int) -> list[int]:
    async with opened.direct.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = '5s'")
        rows = await connection.fetch(
            "SELECT * FROM unnest($1::int[]) AS n ORDER BY n", [number + 1, number]
        )
    return [row[0] for row in rows]


@pytest.fixture
async def tls_url(database_url: str, tmp_path: Path, free_port: int) -> AsyncIterator[str]:
    certificate = tmp_path / "server.pem"
    write_certificate(certificate)
    with pgbouncer(database_url, tmp_path, free_port, certificate=certificate) as url:
        yield url


@pytest.mark.parametrize(
    "parameters",
    [
        "sslmode=require&channel_binding=require",
        "ssl=true",
        "sslmode=verify-full&sslrootcert={folder}/server.pem",
    ],
)
async def test_pasted_tls_parameters_just_work(
    tls_url: str, tmp_path: Path, parameters: str
) -> None:
    url = f"{tls_url}&{parameters.format(folder=tmp_path)}"
    async with open_database(database_urls(url)) as opened:
        assert await opened.direct.fetchval("SELECT 1") == 1
        assert await select(opened, "SELECT 2") == 2


async def test_certificate_that_is_not_trusted_is_reported_at_once(tls_url: str) -> None:
    message = await refusal(f"{tls_url}&sslmode=verify-full")
    assert "is not trusted: self-signed certificate" in message


async def test_unencrypted_connection_to_a_tls_server_is_reported(tls_url: str) -> None:
    assert "check DATABASE_URL" in await refusal(f"{tls_url}&sslmode=disable")


async def test_database_that_is_closed_for_now_is_waited_for(database_url: str) -> None:
    name = urlsplit(database_url).path[1:]
    elsewhere = database_url.replace(f"/{name}", "/postgres")
    async with open_database(database_urls(database_url)) as opened:
        await ask_apart(elsewhere, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await ask_apart(elsewhere, KILL.replace("current_database()", f"'{name}'"))
        await wait_until(lambda: opened.direct.get_size() == 0)
        opening = asyncio.create_task(_open_later(elsewhere, name))
        assert await opened.direct.fetchval("SELECT 1") == 1
        assert opening.done()


async def _open_later(url: str, name: str) -> None:
    await asyncio.sleep(0.5)
    await ask_apart(url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


async def test_database_that_stays_closed_looks_like_one_that_is_away(database_url: str) -> None:
    name = urlsplit(database_url).path[1:]
    elsewhere = database_url.replace(f"/{name}", "/postgres")
    await ask_apart(elsewhere, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    with pytest.raises(ConnectionRefusedError):
        await connect_patiently(connect_arguments(database_url), 0.2)
    assert "not currently accepting connections" in await refusal(database_url)


async def test_listener_finds_out_when_the_other_end_is_gone(
    database_url: str, free_port: int
) -> None:
    """By the kernel's own probes, which are no statements."""
    async with wire(database_url, free_port) as (carrier, url):
        await carrier.mend()
        async with open_database(database_urls(url)) as opened:
            listener = await opened.connect_listener()
            end = listener._transport.get_extra_info("socket")
            assert end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
            await listener.close()
