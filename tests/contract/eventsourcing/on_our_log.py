"""A fresh log for each shipped test, on an event loop in a thread of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from runtime.embedded import EmbeddedServer
from tests.databases import cloned
from tests.log_node import LogNode, log_node


class OnOurLog:
    portal: BlockingPortal
    node: LogNode
    is_sealing = True

    @pytest.fixture(autouse=True)
    def _open(self, postgres: EmbeddedServer, template_database: str) -> Iterator[None]:
        with (
            start_blocking_portal() as self.portal,
            self.portal.wrap_async_context_manager(cloned(postgres, template_database)) as url,
            self.portal.wrap_async_context_manager(
                log_node(url, is_sealing=self.is_sealing)
            ) as self.node,
        ):
            yield
