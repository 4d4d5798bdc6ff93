from __future__ import annotations

import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.cipher import NONCE_BYTES, DataKey, DecryptionFailed, EventKey, NoEncryption
from events.codec import associated_data

from .stored_events import data_key

KEY = data_key()
EVENT_KEY = EventKey(b"e" * 32)
KEY_ID = uuid.UUID(int=3)
TAG_BYTES = 16
PLACES = st.tuples(st.text("ab|1-", max_size=6), st.integers(1, 200))


@given(st.binary(max_size=200), st.binary(max_size=40))
def test_content_decrypts_to_what_it_was(content: bytes, associated: bytes) -> None:
    sealed = KEY.encrypt(content, associated)
    assert len(sealed) == NONCE_BYTES + len(content) + TAG_BYTES
    assert KEY.decrypt(sealed, associated) == content


def test_same_content_never_looks_the_same() -> None:
    assert len({KEY.encrypt(b"yes", b"") for _ in range(200)}) == 200


@given(st.binary(max_size=60), st.data())
@settings(deadline=None)
def test_any_changed_byte_is_noticed(content: bytes, data: st.DataObject) -> None:
    sealed = bytearray(KEY.encrypt(content, b"place"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DecryptionFailed):
        KEY.decrypt(bytes(sealed), b"place")


def test_any_missing_end_is_noticed() -> None:
    sealed = KEY.encrypt(b"content", b"place")
    for length in range(len(sealed)):
        with pytest.raises(DecryptionFailed):
            KEY.decrypt(sealed[:length], b"place")


@pytest.mark.parametrize("associated", [b"", b"place ", b"plac", b"other"])
def test_other_associated_data_are_noticed(associated: bytes) -> None:
    with pytest.raises(DecryptionFailed):
        KEY.decrypt(KEY.encrypt(b"content", b"place"), associated)


def test_other_key_is_noticed() -> None:
    with pytest.raises(DecryptionFailed):
        data_key(secret=b"t" * 32).decrypt(KEY.encrypt(b"content", b""), b"")


@given(PLACES, PLACES)
def test_places_never_share_their_associated_data(
    one: tuple[str, int], other: tuple[str, int]
) -> None:
    assert (associated_data(*one) == associated_data(*other)) == (one == other)


def test_keyed_hash_depends_on_key_and_content() -> None:
    other = data_key(secret=b"t" * 32)
    assert KEY.keyed_hash(b"a") == data_key().keyed_hash(b"a")
    hashes = {k.keyed_hash(c) for k in (KEY, other, NoEncryption("ada")) for c in (b"a", b"b")}
    assert len(hashes) == 6


def test_no_encryption_keeps_content_as_it_is() -> None:
    plain = NoEncryption("ada")
    assert plain.encrypt(b"content", b"place") == b"content"
    assert plain.decrypt(b"content", b"elsewhere") == b"content"
    assert plain.key_id == uuid.UUID(int=0)


def test_wrapped_data_key_unwraps() -> None:
    wrapped = EVENT_KEY.wrap(b"s" * 32, KEY_ID, "ada")
    assert EVENT_KEY.unwrap(wrapped, KEY_ID, "ada") == b"s" * 32
    assert b"s" * 8 not in wrapped


def test_wrapped_data_key_serves_one_key_id_and_owner_only() -> None:
    wrapped = EVENT_KEY.wrap(b"s" * 32, KEY_ID, "ada")
    attempts = [
        (EventKey(b"f" * 32), wrapped, KEY_ID, "ada"),
        (EVENT_KEY, wrapped, uuid.UUID(int=4), "ada"),
        (EVENT_KEY, wrapped, KEY_ID, "eve"),
        (EVENT_KEY, wrapped[:-1], KEY_ID, "ada"),
        (EVENT_KEY, wrapped[:5], KEY_ID, "ada"),
        (EVENT_KEY, b"", KEY_ID, "ada"),
        *((EVENT_KEY, _flipped(wrapped, at), KEY_ID, "ada") for at in range(len(wrapped))),
    ]
    for event_key, tampered, key_id, owner_id in attempts:
        with pytest.raises(DecryptionFailed):
            event_key.unwrap(tampered, key_id, owner_id)


def test_fingerprint_tells_keys_apart_and_does_not_tell_the_key() -> None:
    assert EVENT_KEY.fingerprint == EventKey(b"e" * 32).fingerprint
    assert EVENT_KEY.fingerprint != EventKey(b"f" * 32).fingerprint
    assert len(EVENT_KEY.fingerprint) == 32
    assert b"e" * 4 not in bytes.fromhex(EVENT_KEY.fingerprint)


@pytest.mark.parametrize("key", [EVENT_KEY, KEY])
def test_secret_does_not_show_when_a_key_is_printed(key: EventKey | DataKey) -> None:
    assert "eeee" not in repr(key)
    assert "ssss" not in repr(key)


def _flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
