"""A model host for tests: it speaks the OpenAI wire over real sockets and says what it is told."""

from tests.wire.requests import WireRequest
from tests.wire.scripts import Rule, dump_script, load_script
from tests.wire.server import ResponsesServer
from tests.wire.turns import (
    Answer,
    Call,
    Calls,
    DropConnection,
    ErrorMidStream,
    Hang,
    HttpError,
    Reasoning,
    SlowFirstByte,
    Text,
    Turn,
)

__all__ = [
    "Answer",
    "Call",
    "Calls",
    "DropConnection",
    "ErrorMidStream",
    "Hang",
    "HttpError",
    "Reasoning",
    "ResponsesServer",
    "Rule",
    "SlowFirstByte",
    "Text",
    "Turn",
    "WireRequest",
    "dump_script",
    "load_script",
]
