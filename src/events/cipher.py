"""AES-256-GCM under a data key (NIST SP 800-38D): 12 bytes random nonce, ciphertext, tag."""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
KEY_BYTES = 32
#: Of AES; a word of at most this many bytes is hashed as it is.
BLOCK_BYTES = 16


class DecryptionFailed(Exception):
    """The bytes were not written under this key and these associated data."""


class DataKey:
    """One user's key for content, and the hashes that are keyed by it."""

    __slots__ = (
        "_aead",
        "_hash_key",
        "_word_cipher",
        "_word_key",
        "key_id",
        "key_id_text",
        "owner_id",
        "stored_id",
    )

    def __init__(self, key_id: uuid.UUID, owner_id: str, secret: bytes) -> None:
        self.key_id = key_id
        self.key_id_text = str(key_id)
        #: What appends are checked against; None where there is nothing to erase.
        self.stored_id: str | None = self.key_id_text
        self.owner_id = owner_id
        self._aead = AESGCM(secret)
        self._hash_key = hmac.digest(secret, b"verbatim keyed hash", "sha256")
        # HKDF-Expand of one block (RFC 5869); the secret is uniform, so nothing is extracted.
        self._word_key = hmac.digest(secret, b"verbatim word hashes\x01", "sha256")
        self._word_cipher: CipherContext | None = None

    def encrypt(self, plaintext: bytes, associated: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, plaintext, associated)

    def decrypt(self, ciphertext: bytes, associated: bytes) -> bytes:
        try:
            return self._aead.decrypt(
                ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:], associated
            )
        except (InvalidTag, ValueError) as error:
            raise DecryptionFailed from error

    def keyed_hash(self, content: bytes) -> bytes:
        return hmac.digest(self._hash_key, content, "sha256")

    def word_hashes(self, words: Iterable[str]) -> list[int]:
        """For each word a number of 64 bits (signed) that only this key leads to.

        AES of a block is a pseudorandom function, and one call hashes all of a text's words: four
        times as fast as a keyed BLAKE2 of each, ten times as HMAC. What encrypts each block alone
        is what is wanted here: equal words are to have equal hashes.
        """
        blocks = b"".join(
            [
                # No two short words have one block, because no word holds a NUL.
                word.ljust(BLOCK_BYTES, b"\0") if len(word) <= BLOCK_BYTES else self._block_of(word)
                for word in map(str.encode, words)
            ]
        )
        if self._word_cipher is None:
            # Blocks are whole and know nothing of each other, so one context serves all texts.
            cipher = Cipher(algorithms.AES(self._word_key), modes.ECB())  # noqa: S305
            self._word_cipher = cipher.encryptor()
        hashed = self._word_cipher.update(blocks)
        return list(struct.unpack(f"<{len(hashed) // 8}q", hashed)[::2])

    def _block_of(self, long_word: bytes) -> bytes:
        return hashlib.blake2b(long_word, key=self._word_key, digest_size=BLOCK_BYTES).digest()


class NoEncryption(DataKey):
    """What VERBATIM_ENCRYPTION=off puts in a data key's place; hashes stay hashes, unkeyed."""

    __slots__ = ()

    def __init__(self, owner_id: str) -> None:
        self.key_id = uuid.UUID(int=0)
        self.key_id_text = str(self.key_id)
        self.stored_id = None
        self.owner_id = owner_id
        self._word_key = bytes(KEY_BYTES)
        self._word_cipher = None

    def encrypt(self, plaintext: bytes, associated: bytes) -> bytes:
        return plaintext

    def decrypt(self, ciphertext: bytes, associated: bytes) -> bytes:
        return ciphertext

    def keyed_hash(self, content: bytes) -> bytes:
        return hashlib.sha256(content).digest()


@dataclass(frozen=True, slots=True)
class EventKey:
    """The key that wraps data keys (EVENT_KEY), with the fingerprint that the database stores."""

    secret: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        return hmac.digest(self.secret, b"verbatim event key", "sha256").hex()[:32]

    def wrap(self, secret: bytes, key_id: uuid.UUID, owner_id: str) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self.secret).encrypt(nonce, secret, _wrapping(key_id, owner_id))

    def unwrap(self, wrapped: bytes, key_id: uuid.UUID, owner_id: str) -> bytes:
        try:
            return AESGCM(self.secret).decrypt(
                wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _wrapping(key_id, owner_id)
            )
        except (InvalidTag, ValueError) as error:
            raise DecryptionFailed from error


def _wrapping(key_id: uuid.UUID, owner_id: str) -> bytes:
    return key_id.bytes + owner_id.encode()
