from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from runtime.embedded import EmbeddedServer
from tests.databases import cloned, embedded_server, make_template
from tests.requirements import require

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
#: Folders whose files share what is slow to start, and so go to one process.
SHARING = ("tests/e2e/web/",)


class SharedScheduling(LoadFileScheduling):
    """`--dist loadfile`, with some folders as if they were one file."""

    def _split_scope(self, nodeid: str) -> str:
        folder = next((folder for folder in SHARING if nodeid.startswith(folder)), None)
        return folder or super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return SharedScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


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
