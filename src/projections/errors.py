"""The projection room's errors.

ProjectionError
├── InvalidCursor         a page was asked for after something that no page ended with
├── TooManyWords          a search asks for more words than one may
├── UnknownBranch         a conversation has no branch of that id
├── ReadModelBehind       the owner's newest events are not in the read tables yet
├── NoLiveGeneration      this release's read tables were never built
├── NoStandby             there is no former generation to go back to
├── RebuildInProgress     another process builds a generation of this release
├── GenerationsDiffer     a rebuilt generation does not say what the live one says
├── SwapTimedOut          the live generation could not be held
├── GenerationGone        the generation was dropped while it was being built
├── UnreadableRow         a row's sealed content cannot be decrypted or decoded
├── RetryFailed           a parked stream still cannot be folded
└── InconsistentHistory   an event contradicts the ones before it; parks its stream
    └── RowNotLoaded      a fold asked for a row that its keys do not name
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from projections.comparing import Difference


class ProjectionError(Exception):
    """Base of every error this room raises."""


class InvalidCursor(ProjectionError):
    def __init__(self) -> None:
        super().__init__(
            "The cursor is not one that this list gave out: use the `after` of the page before, "
            "or none for the first page."
        )


class TooManyWords(ProjectionError):
    def __init__(self, limit: int) -> None:
        super().__init__(f"A search takes at most {limit} words.")


class UnknownBranch(ProjectionError):
    def __init__(self) -> None:
        super().__init__("There is no such branch in this conversation.")


class ReadModelBehind(ProjectionError):
    def __init__(self, waited_seconds: float) -> None:
        super().__init__(
            f"Your newest changes were not readable within {waited_seconds:g} seconds: "
            "try again shortly."
        )


class NoLiveGeneration(ProjectionError):
    def __init__(self, definition: str) -> None:
        super().__init__(
            f"There are no read tables of definition {definition}: run `verbatim db migrate`."
        )


class NoStandby(ProjectionError):
    def __init__(self) -> None:
        super().__init__(
            "There is no former generation to go back to: it is kept for a day after a swap."
        )


class RebuildInProgress(ProjectionError):
    def __init__(self) -> None:
        super().__init__(
            "Another process is building read tables of this release: see "
            "`verbatim projections status`, and try again once it has ended."
        )


class GenerationsDiffer(ProjectionError):
    """The differences name streams, tables and fields, never content."""

    def __init__(self, generation: int, differences: Sequence[Difference]) -> None:
        super().__init__(
            f"Generation {generation} is built but not live: it differs from the live one in "
            f"{len(differences)} place{'' if len(differences) == 1 else 's'}."
        )
        self.generation = generation
        self.differences = differences


class SwapTimedOut(ProjectionError):
    def __init__(self, attempts: int) -> None:
        super().__init__(
            f"The live generation was busy at each of {attempts} attempts to swap: try again."
        )


class GenerationGone(ProjectionError):
    def __init__(self, number: int) -> None:
        super().__init__(
            f"Generation {number} is gone or was advanced by someone else while it was built: "
            "start again."
        )


class UnreadableRow(ProjectionError):
    def __init__(self, table: str, row_id: str) -> None:
        super().__init__(
            f"The content of {table} row {row_id} cannot be read: rebuild the projections."
        )


class RetryFailed(ProjectionError):
    def __init__(self, stream_id: str, error: str) -> None:
        super().__init__(
            f"Stream {stream_id} still cannot be projected ({error}): it stays parked until a "
            "release that can."
        )


class InconsistentHistory(ProjectionError):
    """The message says what was expected and what came; it names ids only."""


class RowNotLoaded(InconsistentHistory):
    def __init__(self, key: tuple[str, ...]) -> None:
        super().__init__(f"Row {'|'.join(key)} was not among the rows loaded for this event.")
