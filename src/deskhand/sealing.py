"""Encryption of what is kept outside of the database, with keys that can be changed while old values are still there.

A sealed value is `version (1 byte) | key id (4) | nonce (12) | AES-256-GCM ciphertext and tag`. The invariant: what is opened was sealed
under one of our keys for the same `place` (the name it is stored under), so a value cannot be altered, nor be moved to another place.

Each place has an encryption key of its own, derived by HMAC-SHA-256, so that random nonces stay far from their bound of 2^32 a key.

What is too long to be held in memory is sealed piece by piece, each with its number and whether it is the last (STREAM: Hoang,
Reyhanitabar, Rogaway, Vizár, CRYPTO 2015): pieces cannot be left out, moved, mixed with those of another stream, or end too early.

Where there is no key, `Checksum` at least finds what was damaged, or is in another place.
"""

import base64
import binascii
import hashlib
import hmac
import os
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION: Final = b"\x01"
_KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12
_MOST_CIPHERS: Final = 512
_HEAD_BYTES: Final = len(_VERSION) + _ID_BYTES + _NONCE_BYTES
_SALT_BYTES: Final = 16
_COUNTER_BYTES: Final = 4
_CHECKSUM_BYTES: Final = 4
_STREAM_PLACE: Final = b"stream\x00"
_PREFIX_BYTES: Final = _NONCE_BYTES - _COUNTER_BYTES - 1

# `version (1 byte) | key id (4) | salt (16) | beginning of all nonces (7)`, what a stream begins with.
STREAM_HEAD_BYTES: Final = len(_VERSION) + _ID_BYTES + _SALT_BYTES + _PREFIX_BYTES
# By how much a piece grows as it is sealed.
TAG_BYTES: Final = 16

# Where the nonce stands in a sealed value: drawn anew for each, it tells two values of a place apart.
NONCE_AT: Final = slice(len(_VERSION) + _ID_BYTES, _HEAD_BYTES)


class SealingKeyInvalid(ValueError):
    """A key is not 32 bytes in Base64. The message never names the key."""


class SealBroken(Exception):
    """The value was not sealed for this place under a key that is known here."""


class SealingKeyUnknown(SealBroken):
    """It was sealed under a key that is not known here."""


@dataclass(frozen=True, slots=True)
class _Key:
    id: bytes
    secret: bytes = field(repr=False)
    # Those of the places that were used last: making one costs as much as using it.
    ciphers: "OrderedDict[bytes, AESGCM]" = field(default_factory=OrderedDict, repr=False, compare=False)

    def cipher(self, place: bytes) -> "AESGCM":
        known = self.ciphers.get(place)
        if known is not None:
            return known
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - takes 80 ms, and most installations do without

        made = self.ciphers[place] = AESGCM(hmac.digest(self.secret, b"deskhand place\x00" + place, hashlib.sha256))
        if len(self.ciphers) > _MOST_CIPHERS:
            self.ciphers.popitem(last=False)
        return made


@dataclass(frozen=True, slots=True)
class StreamSeal:
    """Seals and opens the pieces of one stream, in any order. `head` is what the stream begins with; pieces are numbered from 0."""

    head: bytes
    _cipher: "AESGCM" = field(repr=False)

    def seal(self, piece: bytes, number: int, *, is_last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(number, is_last=is_last), piece, self.head)

    def open(self, sealed: bytes, number: int, *, is_last: bool) -> bytes:
        """Raises:
        SealBroken: this is not the piece of that number, or is the last one where it should not be, or the reverse.
        """
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see `cipher`

        try:
            return self._cipher.decrypt(self._nonce(number, is_last=is_last), sealed, self.head)
        except (InvalidTag, ValueError) as error:
            raise SealBroken from error

    def _nonce(self, number: int, *, is_last: bool) -> bytes:
        return self.head[-_PREFIX_BYTES:] + number.to_bytes(_COUNTER_BYTES) + bytes([is_last])


class Sealer:
    """Seals with the first of its keys and opens with any of them."""

    def __init__(self, keys: Sequence[str]) -> None:
        """`keys` are 32 random bytes each, in Base64, the newest first.

        Raises:
            SealingKeyInvalid: one of them is not, or there is none.
        """
        read = [_read_key(text, number) for number, text in enumerate(keys, 1)]
        if not read:
            raise SealingKeyInvalid("at least one key is needed")
        self._newest = read[0]
        self._keys = {key.id: key for key in reversed(read)}

    @classmethod
    def parse(cls, keys: str) -> "Sealer":
        """Of the keys in one text, with commas between. Raises SealingKeyInvalid."""
        return cls(split_keys(keys))

    def seal(self, value: bytes, *, place: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        name = place.encode()
        return b"".join((_VERSION, self._newest.id, nonce, self._newest.cipher(name).encrypt(nonce, value, name)))

    def open(self, sealed: bytes, *, place: str) -> bytes:
        """Raises:
        SealBroken: it was altered, belongs to another place, or its key is not known here.
        """
        key = self._keys.get(sealed[1 : 1 + _ID_BYTES])
        if key is None or not sealed.startswith(_VERSION):
            raise SealBroken
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see `cipher`

        name = place.encode()
        try:
            return key.cipher(name).decrypt(sealed[NONCE_AT], sealed[_HEAD_BYTES:], name)
        except (InvalidTag, ValueError) as error:
            raise SealBroken from error

    def start_stream(self) -> StreamSeal:
        """For a stream of at most 2^32 pieces, under a key of its own."""
        salt, prefix = os.urandom(_SALT_BYTES), os.urandom(_PREFIX_BYTES)
        return StreamSeal(_VERSION + self._newest.id + salt + prefix, self._newest.cipher(_STREAM_PLACE + salt))

    def resume_stream(self, head: bytes) -> StreamSeal:
        """For the stream that begins with `head`, of `STREAM_HEAD_BYTES`.

        Raises:
            SealingKeyUnknown: its key is not known here.
            SealBroken: it is of another version, or too short.
        """
        if len(head) != STREAM_HEAD_BYTES or not head.startswith(_VERSION):
            raise SealBroken
        key = self._keys.get(head[1 : 1 + _ID_BYTES])
        if key is None:
            raise SealingKeyUnknown
        return StreamSeal(head, key.cipher(_STREAM_PLACE + head[1 + _ID_BYTES : -_PREFIX_BYTES]))

    def is_newest(self, sealed: bytes) -> bool:
        """Whether the value was sealed with the key that seals now."""
        return sealed[1 : 1 + _ID_BYTES] == self._newest.id


class Checksum:
    """Does what a `Sealer` does without a key: `CRC-32 of place and value (4 bytes) | value`. Anybody can make one."""

    def seal(self, value: bytes, *, place: str) -> bytes:
        return _crc(value, place) + value

    def open(self, sealed: bytes, *, place: str) -> bytes:
        """Raises:
        SealBroken: it was altered, or belongs to another place.
        """
        value = sealed[_CHECKSUM_BYTES:]
        if sealed[:_CHECKSUM_BYTES] != _crc(value, place):
            raise SealBroken
        return value


def split_keys(keys: str) -> list[str]:
    """The keys of a setting, which has them with commas between."""
    return [key.strip() for key in keys.split(",")]


def _crc(value: bytes, place: str) -> bytes:
    return zlib.crc32(value, zlib.crc32(place.encode())).to_bytes(_CHECKSUM_BYTES)


def _read_key(text: str, number: int) -> _Key:
    try:
        secret = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != _KEY_BYTES:
        raise SealingKeyInvalid(f"key {number} is not {_KEY_BYTES} bytes in Base64; 'openssl rand -base64 {_KEY_BYTES}' makes one")
    return _Key(id=hashlib.sha256(b"deskhand key id\x00" + secret).digest()[:_ID_BYTES], secret=secret)
