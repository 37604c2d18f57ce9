"""Shards in files that are mapped into memory, so that a server with a large index starts without building it.

Invariant: a file is a copy, and the database is the truth. One that is damaged, or written by another version of Deskhand, is removed; what
is no longer so in one that is whole is for the reader to find out, by `Columns.changed_at`.
"""

import json
import os
import secrets
import zlib
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from deskhand.knowledge.columns import Columns, Postings
from deskhand.knowledge.shard import Shard

log = structlog.get_logger(__name__)

_MAGIC = b"deskhand shard 2\n"
_ALIGNED = 64
_LONGEST_HEAD = 65_536
_ENDING = ".shard"
_NESTED = ("columns", "postings")


class ShardFolder:
    """A folder that holds nothing else. Every method blocks; one thread at a time may write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: dict[int, tuple[Shard, Path]] = {}

    def load(self) -> list[Shard]:
        """The shards of all files that are whole; those that are not are removed."""
        shards: list[Shard] = []
        for file in sorted(self._path.glob(f"*{_ENDING}")):
            shard = _read(file)
            if shard is None:
                log.warning("index_file_unusable", file=file.name)
                file.unlink(missing_ok=True)
            else:
                self._files[id(shard)] = shard, file
                shards.append(shard)
        return shards

    def clear(self) -> None:
        """Remove all files."""
        self._files.clear()
        for file in self._path.glob(f"*{_ENDING}"):
            file.unlink(missing_ok=True)

    def keep(self, shard: Shard) -> Shard:
        """The same shard, from a file. If it cannot be written, the shard itself: it is built again at the next start."""
        name = secrets.token_hex(8)
        file, unfinished = self._path / f"{name}{_ENDING}", self._path / f"{name}.new"
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            _write(unfinished, shard)
            unfinished.replace(file)
        except OSError as error:
            log.warning("index_file_not_written", file=file.name, reason=os.strerror(error.errno or 0))
            unfinished.unlink(missing_ok=True)
            return shard
        mapped = _read(file)
        if mapped is None:
            file.unlink(missing_ok=True)
            return shard
        self._files[id(mapped)] = mapped, file
        return mapped

    def remove_others(self, shards: Iterable[object]) -> None:
        """Remove the files of those read or written here that are not among `shards`."""
        there = {id(shard) for shard in shards}
        for key in [key for key in self._files if key not in there]:
            _, file = self._files.pop(key)
            file.unlink(missing_ok=True)


def _write(path: Path, shard: Shard) -> None:
    arrays = _arrays(shard)
    entries, offset = [], 0
    for name, array in arrays.items():
        entries.append({"name": name, "type": array.dtype.str, "shape": array.shape, "offset": offset})
        offset += -(-array.nbytes // _ALIGNED) * _ALIGNED
    with path.open("wb") as file:
        # Filled in at the end, when the sum is known; its length does not change.
        file.write(_head(entries, 0))
        total = 0
        for array in arrays.values():
            data = np.ascontiguousarray(array).tobytes()
            padded = data + bytes(-len(data) % _ALIGNED)
            total = zlib.crc32(padded, total)
            file.write(padded)
        file.seek(0)
        file.write(_head(entries, total))
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> Shard | None:
    try:
        # As a plain array: each operation on a `memmap` would cost a microsecond more.
        data = np.asarray(np.memmap(path, np.uint8, mode="r"))
    except (OSError, ValueError):
        return None
    line = bytes(data[:_LONGEST_HEAD]).split(b"\n", 2)
    if len(line) < 3 or line[0] + b"\n" != _MAGIC:
        return None
    try:
        head = json.loads(line[1])
    except ValueError:
        return None
    body = data[-(-(len(_MAGIC) + len(line[1]) + 1) // _ALIGNED) * _ALIGNED :]
    if f"{zlib.crc32(body.data):08x}" != head["sum"]:
        return None
    found = {entry["name"]: _array(body, entry) for entry in head["arrays"]}
    own = {name: array for name, array in found.items() if "." not in name}
    return Shard(columns=Columns(**_inner("columns", found)), postings=Postings(**_inner("postings", found)), **own)


def _inner(outer: str, found: dict[str, NDArray[Any]]) -> dict[str, Any]:
    return {name.removeprefix(f"{outer}."): array for name, array in found.items() if name.startswith(f"{outer}.")}


def _head(entries: list[dict[str, Any]], total: int) -> bytes:
    line = _MAGIC + json.dumps({"sum": f"{total:08x}", "arrays": entries}).encode()
    return line + b" " * (-(len(line) + 1) % _ALIGNED) + b"\n"


def _array(body: NDArray[np.uint8], entry: dict[str, Any]) -> NDArray[Any]:
    kind = np.dtype(entry["type"])
    size = int(np.prod(entry["shape"])) * kind.itemsize
    array: NDArray[Any] = body[entry["offset"] : entry["offset"] + size].view(kind).reshape(entry["shape"])
    return array


def _arrays(shard: Shard) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for field in fields(shard):
        value = getattr(shard, field.name)
        if field.name in _NESTED:
            arrays |= {f"{field.name}.{inner.name}": getattr(value, inner.name) for inner in fields(value)}
        else:
            arrays[field.name] = value
    return arrays
