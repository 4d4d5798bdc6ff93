from __future__ import annotations

import base64
import uuid

import pytest

from events.cipher import EventKey, NoEncryption
from events.errors import InvalidEventKey
from events.keys import PlainKeyRing, generate_event_key, parse_event_key

SECRET = bytes(range(32))


def test_event_key_is_32_bytes_in_base64() -> None:
    text = base64.b64encode(SECRET).decode()
    assert parse_event_key(text) == EventKey(SECRET)
    assert parse_event_key(f"  {text}\n") == EventKey(SECRET)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "not base64 at all!",
        "clé" * 15,
        "\ud800",
        base64.b64encode(SECRET[:31]).decode(),
        base64.b64encode(SECRET + b"x").decode(),
        base64.b64encode(SECRET).decode().rstrip("="),
        base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        SECRET.hex(),
    ],
)
def test_malformed_event_key_is_refused_with_the_way_to_make_one(text: str) -> None:
    with pytest.raises(InvalidEventKey, match="openssl rand -base64 32") as caught:
        parse_event_key(text)
    assert not text or text not in str(caught.value)


def test_generated_event_key_is_a_new_one_each_time() -> None:
    keys = {generate_event_key() for _ in range(20)}
    assert len({parse_event_key(key).fingerprint for key in keys}) == 20


async def test_plain_key_ring_answers_with_no_encryption() -> None:
    ring = PlainKeyRing()
    current = await ring.current("ada")
    assert isinstance(current, NoEncryption)
    assert current.owner_id == "ada"
    wanted = [current.key_id, uuid.UUID(int=5)]
    assert set(await ring.load(wanted)) == set(wanted)
    ring.forget("ada")
