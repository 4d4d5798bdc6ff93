"""What `verbatim projections rebuild` does, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli.crew import open_crew
from cli.opened import open_log

if TYPE_CHECKING:
    from cli.progress import Reporter
    from projections.comparing import Difference
    from projections.status import GenerationStatus
    from runtime.settings import Settings


class Rebuilding:
    """`damaged` names the tables that may differ from the live ones."""

    def __init__(
        self,
        reporter: Reporter,
        damaged: set[str],
        *,
        is_fresh: bool,
        swaps_anyway: bool,
        workers: int | None,
    ) -> None:
        self._reporter = reporter
        self._damaged = damaged
        self._is_fresh = is_fresh
        self._swaps_anyway = swaps_anyway
        self._workers = workers
        #: Where the new tables differ from the live ones, as far as that matters.
        self.differences: Sequence[Difference] = ()

    async def run(self, settings: Settings, url: str) -> GenerationStatus | None:
        """The generation that is live now; None when the differences are in the way."""
        from events.sealer import Sealer
        from projections.building import Builder
        from projections.errors import GenerationsDiffer
        from projections.status import read_status

        async with open_log(settings, url) as log:
            sealer = Sealer(log.pool, log.signal)
            await sealer.seal()
            head, _ = await log.store.head()
            with open_crew(settings, url, log, self._workers, head) as crew:
                builder = Builder(
                    log.pool,
                    log.store,
                    crew=crew,
                    on_progress=self._reporter.of("rebuilding", "events"),
                    on_compared=self._reporter.of("comparing", "events"),
                )
                try:
                    live = await builder.rebuild(is_fresh=self._is_fresh, accepts=self._accepts)
                except GenerationsDiffer:
                    return None
            # So that the swap's own event has its place.
            await sealer.seal()
            return next(g for g in await read_status(log.pool) if g.generation == live.number)

    def _accepts(self, differences: Sequence[Difference]) -> bool:
        self.differences = [d for d in differences if d.table not in self._damaged]
        return self._swaps_anyway or not self.differences
