"""The body of an answer, unpacked as it comes and bounded in both forms.

Invariant: never more than the limit is held, so a small answer that unpacks to a huge one costs no more than a large one.
"""

import zlib
from typing import Final

from deskhand.errors import TooLarge
from deskhand.knowledge.fetch.errors import FetchFailed

GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP: Final = zlib.MAX_WBITS | 16
# Each member copies what follows it, so many small ones would cost the square of their number.
_MOST_MEMBERS: Final = 64


class Body:
    """Collects a body of at most `max_bytes`. With `cut`, what is beyond is left out; otherwise it is an error."""

    def __init__(self, *, max_bytes: int, gzipped: bool, cut: bool = False) -> None:
        self._max_bytes = max_bytes
        self._cut = cut
        self._data = bytearray()
        self._gzip = _Gunzip() if gzipped else None

    def feed(self, piece: bytes) -> bool:
        """Take the next piece; False when no more is wanted.

        Raises:
            TooLarge: it is more than the limit, packed or unpacked.
            FetchFailed: it says that it is gzip, and is not.
        """
        room = self._max_bytes - len(self._data)
        self._data += piece[: room + 1] if self._gzip is None else self._gzip.unpack(piece, most=room + 1)
        if len(self._data) <= self._max_bytes:
            return True
        if not self._cut:
            raise too_large(self._max_bytes)
        del self._data[self._max_bytes :]
        return False

    def end(self) -> bytes:
        """Raises:
        FetchFailed: it ended in the middle.
        """
        if self._gzip is not None and not self._gzip.is_complete and len(self._data) < self._max_bytes:
            raise FetchFailed("The answer was cut off.")
        return bytes(self._data)


def gunzip(data: bytes, *, max_bytes: int) -> bytes:
    """A gzip file's content. Raises as `Body` does."""
    body = Body(max_bytes=max_bytes, gzipped=True)
    body.feed(data)
    return body.end()


def too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"The answer has more than {max_bytes / 1e6:.1f} MB, which is the most that is read.")


class _Gunzip:
    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._members = 1
        self._started = False

    @property
    def is_complete(self) -> bool:
        return self._member.eof or not self._started

    def unpack(self, data: bytes, *, most: int) -> bytes:
        """At most `most` bytes; the caller stops when it gets as many."""
        out = bytearray()
        while data and len(out) < most:
            self._start_next_member()
            self._started = True
            try:
                out += self._member.decompress(data, most - len(out))
            except zlib.error as error:
                raise FetchFailed("The answer says that it is compressed, and is not rightly so.") from error
            data = self._member.unused_data if self._member.eof else b""
        return bytes(out)

    def _start_next_member(self) -> None:
        if not self._member.eof:
            return
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise FetchFailed("The answer is compressed in too many pieces.")
        self._member = zlib.decompressobj(_GZIP)
