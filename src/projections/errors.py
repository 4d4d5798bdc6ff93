"""The projection room's errors.

ProjectionError
├── InvalidCursor         a page was asked for after something that no page ended with
├── TooManyWords          a search asks for more words than one may
├── UnknownBranch         a conversation has no branch of that id
├── ReadModelBehind       the owner's newest events are not in the read tables yet
├── NoLiveGeneration      this release's read tables were never built
├── GenerationGone        the generation was dropped while it was being built
├── UnreadableRow         a row's sealed content cannot be decrypted or decoded
├── RetryFailed           a parked stream still cannot be folded
└── InconsistentHistory   an event contradicts the ones before it; parks its stream
    └── RowNotLoaded      a fold asked for a row that its keys do not name
"""

from __future__ import annotations


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
