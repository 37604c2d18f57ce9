"""What a cache offers. Both implementations pass the same contract tests."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class CacheStats:
    """Counted since the start. `errors` are requests the cache could not serve; each of them was a miss to the caller."""

    kind: str
    entries: int | None
    hits: int
    misses: int
    errors: int


class CacheService(Protocol):
    """Bytes under a key, for a time. None of these calls raises when the cache is down."""

    async def get(self, key: str) -> bytes | None:
        """The value; None when there is none, when it ran out, or when the cache is down."""
        ...

    async def set(self, key: str, value: bytes, *, ttl_seconds: float) -> bool:
        """Keep `value`. False when it could not be kept."""
        ...

    async def delete(self, key: str) -> bool:
        """Forget `key`. False when that could not be done: the old value may then be seen until it runs out."""
        ...

    async def ping(self) -> bool:
        """Whether the cache answers now."""
        ...

    async def stats(self) -> CacheStats: ...

    async def close(self) -> None: ...
