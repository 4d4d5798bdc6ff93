from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.kills.points import Script
from tests.soak.cluster import Cluster, cluster

PAIR = ("first", "second")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A short path that the database's account can pass through."""
    with tempfile.TemporaryDirectory(prefix="verbatim-kills-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="module")
def pair(folder: Path) -> Iterator[Cluster]:
    """Two nodes, `first` and `second`, on a database of their own."""
    with cluster(folder, Script()) as nodes:
        with ThreadPoolExecutor() as threads:
            list(threads.map(nodes.start, PAIR))
        yield nodes
