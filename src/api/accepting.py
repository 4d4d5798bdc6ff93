"""What a client accepts (RFC 9110, 12.5.1), as far as two kinds of answer need it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

STREAM_TYPE = "text/event-stream"
JSON_TYPE = "application/json"


def wants_stream(accept: Iterable[str]) -> bool:
    """Whether events are named, and preferred no less than JSON; a wildcard is not enough."""
    weights = dict(_weights(",".join(accept)))
    return weights.get(STREAM_TYPE, 0.0) > 0 and (
        weights[STREAM_TYPE] >= weights.get(JSON_TYPE, 0.0)
    )


def _weights(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((p.removeprefix("q=") for p in parameters if p.startswith("q=")), "1")
        try:
            yield kind, float(quality)
        except ValueError:
            yield kind, 0.0
