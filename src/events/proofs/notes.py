"""Signed notes with Ed25519 keys, as C2SP's signed-note specification gives them.

A note is text that ends with a newline, an empty line, and a line for each signature:
an em dash, the key's name, and base64 of the key's number (4 bytes) and the signature (64).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from events.proofs.errors import MalformedProof, ProofFailed

_ED25519 = b"\x01"
_NUMBER_BYTES = 4
_KEY_BYTES = 32
_SIGNATURE_MARK = "— "
#: What a name may not hold: it is split at spaces and at +.
_NAME = re.compile(r"[^\s+]+")
#: Far more than a checkpoint takes; a note comes from a stranger.
MAX_CHARACTERS = 64 * 1024


@dataclass(frozen=True)
class NoteVerifier:
    """The public half: `<name>+<number in hex>+<base64 of a type byte and the key>`."""

    name: str
    key: Ed25519PublicKey

    @classmethod
    def parse(cls, text: str) -> NoteVerifier:
        """Raises MalformedProof."""
        name, _, rest = text.strip().partition("+")
        number, _, encoded = rest.partition("+")
        key = _decoded(encoded)
        if not _NAME.fullmatch(name) or len(key) != 1 + _KEY_BYTES or key[:1] != _ED25519:
            raise MalformedProof(f"{text.strip()[:80]!r} is no Ed25519 verifier key of a note.")
        verifier = cls(name, Ed25519PublicKey.from_public_bytes(key[1:]))
        if verifier.number.hex() != number:
            raise MalformedProof(f"The verifier key of {name} is damaged: its number is another.")
        return verifier

    @property
    def number(self) -> bytes:
        named = self.name.encode() + b"\n" + _ED25519 + self.key.public_bytes_raw()
        return hashlib.sha256(named).digest()[:_NUMBER_BYTES]

    def __str__(self) -> str:
        encoded = base64.b64encode(_ED25519 + self.key.public_bytes_raw()).decode()
        return f"{self.name}+{self.number.hex()}+{encoded}"

    def open(self, note: str) -> str:
        """The text that this key signed; raises MalformedProof, ProofFailed."""
        text, signatures = _parts(note)
        mine = [s for name, number, s in signatures if (name, number) == (self.name, self.number)]
        if not mine:
            raise ProofFailed(f"The note is not signed by {self.name} with this key.")
        for signature in mine:
            try:
                self.key.verify(signature, text.encode())
            except InvalidSignature:
                raise ProofFailed(f"The signature of {self.name} does not fit the note.") from None
        return text


@dataclass(frozen=True)
class NoteSigner:
    name: str
    key: Ed25519PrivateKey

    @property
    def verifier(self) -> NoteVerifier:
        return NoteVerifier(self.name, self.key.public_key())

    def sign(self, text: str) -> str:
        signature = self.verifier.number + self.key.sign(text.encode())
        return f"{text}\n{_SIGNATURE_MARK}{self.name} {base64.b64encode(signature).decode()}\n"


def _parts(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    if len(note) > MAX_CHARACTERS:
        raise MalformedProof(f"A note has at most {MAX_CHARACTERS} characters.")
    text, found, lines = note.rpartition("\n\n")
    if not found or not lines.endswith("\n"):
        raise MalformedProof("What should be a signed note has no signature after an empty line.")
    return f"{text}\n", [_signature(line) for line in lines[:-1].split("\n")]


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line.removeprefix(_SIGNATURE_MARK).partition(" ")
    decoded = _decoded(encoded)
    if not line.startswith(_SIGNATURE_MARK) or len(decoded) <= _NUMBER_BYTES or not name:
        raise MalformedProof(f"{line[:80]!r} is no signature line of a note.")
    return name, decoded[:_NUMBER_BYTES], decoded[_NUMBER_BYTES:]


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
