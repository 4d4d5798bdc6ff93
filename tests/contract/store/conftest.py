"""The store's promises are kept on each version of PostgreSQL that may stand behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from runtime.migrations import migrate
from tests.databases import Server, cloned, embedded_server, make_template
from tests.private_servers import VERSIONS, private_server

EMBEDDED_VERSION = "18"


@pytest.fixture(scope="session", params=VERSIONS, ids=lambda version: f"postgresql-{version}")
def postgres(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp(f"postgresql-{request.param}")
    if request.param == EMBEDDED_VERSION:
        with embedded_server(folder) as embedded:
            yield embedded
    else:
        with private_server(folder, request.param) as server:
            yield server


@pytest.fixture(scope="session")
def template_database(postgres: Server) -> str:
    return make_template(postgres, migrate)


@pytest.fixture
async def database_url(postgres: Server, template_database: str) -> AsyncIterator[str]:
    async with cloned(postgres, template_database) as url:
        yield url
