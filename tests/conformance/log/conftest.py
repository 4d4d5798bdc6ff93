from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from runtime.embedded import EmbeddedServer
from tests.conformance.log.our_log import OurFactory
from tests.conformance.log.protocol import LogFactory, load_factory
from tests.conformance.log.servers import KillableServer, killable_server
from tests.databases import cloned, execute, run_apart

OPTION = "--log-factory"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        OPTION,
        metavar="module:function",
        default=None,
        help="The event log to test; see tests/conformance/log/README.md (default: this project's)",
    )


@pytest.fixture(scope="session")
def log_factory(pytestconfig: pytest.Config) -> LogFactory:
    # The option is unknown when pytest was started from a folder above this one.
    name = pytestconfig.getoption(OPTION, default=None)
    if name is None:
        return OurFactory()
    try:
        return load_factory(name)
    except ValueError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def log_template(postgres: EmbeddedServer, log_factory: LogFactory) -> str:
    """The name of a database with the log's tables and no events, never connected to again."""
    name = f"template_{uuid.uuid4().hex}"

    async def make() -> None:
        await execute(postgres.url, f"CREATE DATABASE {name}")
        await log_factory.prepare(postgres.url_of(name))

    run_apart(make())
    return name


@pytest.fixture
async def log_url(postgres: EmbeddedServer, log_template: str) -> AsyncIterator[str]:
    """A database with an empty log, for this test alone."""
    async with cloned(postgres, log_template) as url:
        yield url


@pytest.fixture(scope="session")
def doomed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillableServer]:
    """A server that writes to the disk as in earnest, to be killed."""
    with killable_server(tmp_path_factory.mktemp("doomed")) as server:
        yield server


@pytest.fixture
async def other_cluster_url(doomed_server: KillableServer) -> AsyncIterator[str]:
    """An empty database of another cluster."""
    async with cloned(doomed_server, "template0") as url:
        yield url
