"""A cache that is down is a miss, never an error: nothing may depend on what is kept here."""

from deskhand.cache.in_memory import InMemoryCache
from deskhand.cache.port import CacheService, CacheStats

__all__ = ["CacheService", "CacheStats", "InMemoryCache"]
