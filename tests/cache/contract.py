"""What every cache must do: inherit `CacheContract` and give the fixtures `cache` and `let_time_pass`."""

from deskhand.cache import CacheService


class CacheContract:
    async def let_time_pass(self, seconds: float) -> None:
        raise NotImplementedError

    async def test_what_was_set_is_found(self, cache: CacheService) -> None:
        assert await cache.set("a", b"\x00\xff value", ttl_seconds=60)
        assert await cache.get("a") == b"\x00\xff value"

    async def test_what_was_never_set_is_a_miss(self, cache: CacheService) -> None:
        assert await cache.get("a") is None

    async def test_the_newest_value_counts(self, cache: CacheService) -> None:
        await cache.set("a", b"old", ttl_seconds=60)
        await cache.set("a", b"new", ttl_seconds=60)
        assert await cache.get("a") == b"new"

    async def test_a_value_runs_out(self, cache: CacheService) -> None:
        await cache.set("a", b"value", ttl_seconds=0.05)
        await self.let_time_pass(0.1)
        assert await cache.get("a") is None

    async def test_what_was_deleted_is_gone(self, cache: CacheService) -> None:
        await cache.set("a", b"value", ttl_seconds=60)
        assert await cache.delete("a")
        assert await cache.get("a") is None

    async def test_deleting_what_is_not_there_is_no_error(self, cache: CacheService) -> None:
        assert await cache.delete("a")

    async def test_an_empty_value_is_not_a_miss(self, cache: CacheService) -> None:
        await cache.set("a", b"", ttl_seconds=60)
        assert await cache.get("a") == b""

    async def test_it_answers(self, cache: CacheService) -> None:
        assert await cache.ping()

    async def test_hits_and_misses_are_counted(self, cache: CacheService) -> None:
        await cache.set("a", b"value", ttl_seconds=60)
        await cache.get("a")
        await cache.get("b")
        stats = await cache.stats()
        assert (stats.hits, stats.misses, stats.errors) == (1, 1, 0)
