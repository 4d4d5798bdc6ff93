from __future__ import annotations

import hmac
import struct
import uuid

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from events.cipher import DataKey, NoEncryption

SECRET = b"s" * 32
KEY = DataKey(uuid.uuid4(), "ada", SECRET)
LONG = "donaudampfschifffahrt"


def test_hashes_are_numbers_of_64_bits_in_the_order_of_the_words() -> None:
    hashes = KEY.word_hashes(["milk", "bread", LONG])
    assert len(set(hashes)) == 3
    assert all(-(2**63) <= value < 2**63 for value in hashes)
    assert KEY.word_hashes([LONG, "milk"]) == [hashes[2], hashes[0]]
    assert KEY.word_hashes([]) == []


def test_hash_is_aes_under_a_key_derived_by_hkdf() -> None:
    derived = HKDFExpand(SHA256(), 32, b"verbatim word hashes").derive(SECRET)
    cipher = Cipher(algorithms.AES(derived), modes.ECB())  # noqa: S305
    block = cipher.encryptor().update(b"milk".ljust(16, b"\0"))
    assert KEY.word_hashes(["milk"]) == [struct.unpack("<q", block[:8])[0]]


def test_hashes_of_two_keys_have_nothing_in_common() -> None:
    other = DataKey(KEY.key_id, "ada", b"o" * 32)
    words = ["milk", "bread", LONG, "a"]
    assert not set(KEY.word_hashes(words)) & set(other.word_hashes(words))
    assert not set(KEY.word_hashes(words)) & set(NoEncryption("ada").word_hashes(words))


def test_words_that_differ_beyond_a_block_differ() -> None:
    long = ["x" * 16, "x" * 17, "x" * 17 + "y", "x" * 15]
    assert len(set(KEY.word_hashes(long))) == 4


def test_word_hashes_are_no_keyed_hashes_of_content() -> None:
    content = KEY.keyed_hash(b"milk")
    assert KEY.word_hashes(["milk"]) != [struct.unpack("<q", content[:8])[0]]
    assert hmac.digest(SECRET, b"verbatim keyed hash", "sha256") not in repr(KEY).encode()
