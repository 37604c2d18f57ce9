"""The cache of one process."""

import pytest

from cache.clock import HeldClock
from cache.contract import CacheContract
from deskhand.cache import InMemoryCache


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def cache(clock: HeldClock) -> InMemoryCache:
    return InMemoryCache(clock=clock, most_entries=3)


class TestInMemoryCache(CacheContract):
    @pytest.fixture(autouse=True)
    def _hold(self, clock: HeldClock) -> None:
        self.clock = clock

    async def let_time_pass(self, seconds: float) -> None:
        self.clock.pass_time(seconds)


async def test_when_it_is_full_what_was_not_read_for_longest_goes(cache: InMemoryCache) -> None:
    for key in "abc":
        await cache.set(key, key.encode(), ttl_seconds=60)
    await cache.get("a")
    await cache.set("d", b"d", ttl_seconds=60)
    assert [await cache.get(key) for key in "abcd"] == [b"a", None, b"c", b"d"]
    assert (await cache.stats()).entries == 3
