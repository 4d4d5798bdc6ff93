from __future__ import annotations

import pytest

from api.accepting import wants_stream


@pytest.mark.parametrize(
    ("accept", "is_stream"),
    [
        ([], False),
        ([""], False),
        (["*/*"], False),
        (["text/*"], False),
        (["text/event-stream"], True),
        (["Text/Event-Stream; q=0.1"], True),
        (["text/event-stream;q=0"], False),
        (["text/event-stream;q=nonsense"], False),
        (["application/json", "text/event-stream"], True),
        (["application/json, text/event-stream;q=0.9"], False),
        (["application/json;q=0.5, text/event-stream;charset=utf-8;q=0.5"], True),
    ],
)
def test_stream_is_wanted_when_named_and_not_second_to_json(
    accept: list[str], is_stream: bool
) -> None:
    assert wants_stream(accept) is is_stream
