"""A file that is sealed as it is written, and opened wherever it is read: 64 KiB of either at a time, however large it is.

`MAGIC (16 bytes) | head of the stream | pieces`, each piece 65,536 bytes and a tag, the last one shorter or as long. The invariant: what is
read was written by somebody who has one of our keys, at this place of this file, and the file ends where it was ended.
"""

import io
import os
from typing import BinaryIO, Final

from deskhand.errors import ConfigurationError
from deskhand.sealing import STREAM_HEAD_BYTES, TAG_BYTES, SealBroken, Sealer, SealingKeyUnknown

MAGIC: Final = b"deskhand sealed\n"
_PIECE_BYTES: Final = 65_536
_START: Final = len(MAGIC) + STREAM_HEAD_BYTES
_SETTING: Final = "DESKHAND_BACKUP_ENCRYPTION_KEYS"


class BackupUnusable(ConfigurationError):
    """The file is not a backup of Deskhand, or is not whole any more."""

    code = "backup_unusable"
    support = "Take another backup, or a copy of this one that is whole."


class BackupLocked(BackupUnusable):
    """The backup is encrypted, and its key is not set here."""

    code = "backup_locked"
    support = f"Add the key that it was made with to {_SETTING}."


class SealedWriter(io.RawIOBase):
    """Not seekable. What was written is whole after `finish` alone, which leaves `file` open."""

    def __init__(self, file: BinaryIO, sealer: Sealer) -> None:
        self._file = file
        self._stream = sealer.start_stream()
        self._waiting = bytearray()
        self._number = 0
        file.write(MAGIC + self._stream.head)

    def writable(self) -> bool:
        return True

    # The base class's is of a buffer of any kind.
    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]
        self._waiting += data
        # One piece is held back, as the last one is sealed as such.
        while len(self._waiting) > _PIECE_BYTES:
            self._put(bytes(self._waiting[:_PIECE_BYTES]), is_last=False)
            del self._waiting[:_PIECE_BYTES]
        return len(data)

    def finish(self) -> None:
        self._put(bytes(self._waiting), is_last=True)

    def _put(self, piece: bytes, *, is_last: bool) -> None:
        self._file.write(self._stream.seal(piece, self._number, is_last=is_last))
        self._number += 1


class SealedReader(io.RawIOBase):
    """The content of a sealed file, from any place."""

    def __init__(self, file: BinaryIO, sealer: Sealer | None, *, name: str) -> None:
        """`file` begins with MAGIC; `name` is for messages.

        Raises:
            BackupLocked: no key is set, or not the one it was sealed with.
            BackupUnusable: it is damaged, or was cut off.
        """
        self._file = file
        self._name = name
        if sealer is None:
            raise BackupLocked(f"{name} is encrypted, and no key is set.", support=f"Set {_SETTING} to the key that it was made with.")
        file.seek(len(MAGIC))
        try:
            self._stream = sealer.resume_stream(file.read(STREAM_HEAD_BYTES))
        except SealingKeyUnknown as error:
            raise BackupLocked(f"{name} is encrypted with a key that is not set.") from error
        except SealBroken as error:
            raise BackupUnusable(f"{name} is not an encrypted backup that this version reads, or is damaged.") from error
        sealed_bytes = file.seek(0, os.SEEK_END) - _START
        self._count = max(1, -(-sealed_bytes // (_PIECE_BYTES + TAG_BYTES)))
        self._size = sealed_bytes - self._count * TAG_BYTES
        self._place = 0
        self._opened: tuple[int, bytes] | None = None
        # The last piece vouches for how many there are.
        self._open(self._count - 1)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise OSError(f"{offset} is before the beginning")
        self._place = start + offset
        return self._place

    # The base class's is of a buffer of any kind.
    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        if self._place >= self._size:
            return 0
        number, start = divmod(self._place, _PIECE_BYTES)
        part = self._open(number)[start : start + len(buffer)]
        buffer[: len(part)] = part
        self._place += len(part)
        return len(part)

    def check(self) -> None:
        """Open every piece. Raises BackupUnusable."""
        for number in range(self._count):
            self._open(number)

    def _open(self, number: int) -> bytes:
        if self._opened is not None and self._opened[0] == number:
            return self._opened[1]
        self._file.seek(_START + number * (_PIECE_BYTES + TAG_BYTES))
        sealed = self._file.read(_PIECE_BYTES + TAG_BYTES)
        try:
            piece = self._stream.open(sealed, number, is_last=number == self._count - 1)
        except SealBroken as error:
            raise BackupUnusable(
                f"{self._name} is damaged, or was cut off: its piece {number + 1} of {self._count} is not valid."
            ) from error
        self._opened = (number, piece)
        return piece
