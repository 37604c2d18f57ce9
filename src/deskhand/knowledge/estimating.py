"""Which rows of a large index may be among the best for a query, told by the signs of their vectors alone.

Half of the signs tell enough. Pure: arrays in, arrays out; nothing here knows
of audiences.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge.embedding import DIMENSIONS
from deskhand.knowledge.shard import SIGN_WORDS, Shard, signs_of

FIRST_WORDS = SIGN_WORDS // 2
_SAMPLED = 16
# At the angle a, vectors differ in the signs of a / pi of their components. Near the angles of what answers, the cosine falls by so much
# with each of the first half that differs.
_SLOPE = 0.8 * np.pi / (DIMENSIONS // 2)


@dataclass(frozen=True, slots=True)
class Worth:
    """What a cosine is worth to a query, and what its BM25."""

    share: float
    scale: float

    def of(self, near: NDArray[np.float32], words: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        return near * np.float32(self.share) + words * words.dtype.type(self.scale)


def estimated(shard: Shard, vectors: NDArray[np.float32], words: NDArray[np.floating[Any]], *, worth: Worth) -> NDArray[np.float32]:
    """What each row is worth, by half of its signs, in the worth of one sign; more is better, and zero is arbitrary."""
    if not worth.share:
        return words.astype(np.float32)
    estimates: NDArray[np.float32] = np.multiply(words, np.float32(worth.scale / (worth.share * _SLOPE)), dtype=np.float32)
    middle = signs_of(vectors.sum(axis=0, keepdims=True))[:FIRST_WORDS, 0]
    # Converted before it is subtracted: NumPy takes five times as long to do both in one.
    estimates -= differing(shard.signs[:FIRST_WORDS], middle).astype(np.float32)
    return estimates


def least_of(estimates: Sequence[NDArray[np.float32]], *, most: int) -> float:
    """What about `most` of all rows exceed, told by a sample of them."""
    if not estimates:
        return -np.inf
    sample = np.concatenate([each[::_SAMPLED] for each in estimates])
    place = len(sample) - most // _SAMPLED
    return float(np.partition(sample, place)[place]) if place > 0 else -np.inf


def differing(signs: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """In how many signs each vector differs from the one `wanted`; of at most `FIRST_WORDS` words, whose bits a byte can count."""
    different = np.bitwise_xor(signs[0], wanted[0])
    total: NDArray[np.uint8] = np.bitwise_count(different)
    counted = np.empty_like(total)
    for column, value in zip(signs[1:], wanted[1:], strict=True):
        np.bitwise_xor(column, value, out=different)
        np.bitwise_count(different, out=counted)
        total += counted
    return total
