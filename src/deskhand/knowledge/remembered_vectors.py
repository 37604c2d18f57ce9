"""The vectors of what customers said, shared by all instances: a conversation that goes on at another instance is not embedded again there.

The invariant: a vector is kept under the model's name and the text's hash, and nothing but a vector of its size is taken for one.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deskhand.cache import CacheService
from deskhand.knowledge.embedding import DIMENSIONS, MODEL
from deskhand.knowledge.querying import QueryReader

_TTL_SECONDS: Final = 3_600.0
_TYPE: Final = np.dtype("<f4")


class RememberedVectors:
    def __init__(self, cache: CacheService, reader: QueryReader) -> None:
        self._cache = cache
        self._reader = reader

    async def recall(self, text: str, earlier: Sequence[str]) -> list[str]:
        """Hand the reader what is remembered of a question and the turns before it; returns what is not, for `keep`."""
        unknown = self._reader.list_unknown(text, earlier)
        found = await asyncio.gather(*(self._cache.get(_key(each)) for each in unknown))
        vectors = {each: vector for each, kept in zip(unknown, found, strict=True) if (vector := _read(kept)) is not None}
        self._reader.learn(vectors)
        return [each for each in unknown if each not in vectors]

    async def keep(self, texts: Sequence[str]) -> None:
        """Remember those of `texts` that were embedded meanwhile."""
        vectors = self._reader.list_known(texts)
        await asyncio.gather(*(self._cache.set(_key(text), _write(vector), ttl_seconds=_TTL_SECONDS) for text, vector in vectors.items()))


def _key(text: str) -> str:
    return f"vector:{MODEL}:{hashlib.sha256(text.encode()).hexdigest()}"


def _write(vector: NDArray[np.float32]) -> bytes:
    return vector.astype(_TYPE).tobytes()


def _read(kept: bytes | None) -> NDArray[np.float32] | None:
    if kept is None or len(kept) != DIMENSIONS * _TYPE.itemsize:
        return None
    vector = np.frombuffer(kept, _TYPE).astype(np.float32)
    return vector if bool(np.isfinite(vector).all()) else None
