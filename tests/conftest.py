from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator

import pytest

from runtime.embedded import EmbeddedServer
from tests.databases import cloned, embedded_server, make_template
from tests.requirements import require

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """One server for each worker."""
    with embedded_server(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def template_database(postgres: EmbeddedServer) -> str:
    """The name of a database that has been migrated and is never connected to again."""
    from runtime.migrations import migrate

    return make_template(postgres, migrate)


@pytest.fixture
async def database_url(postgres: EmbeddedServer, template_database: str) -> AsyncIterator[str]:
    """The URL of a migrated database for this test alone."""
    async with cloned(postgres, template_database) as url:
        yield url


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("browser") is not None:
        require(find_chromium(), "Chromium")


def find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
