"""The cache of one process."""

import pytest

from cache.clock import HeldClock
from cache.contract import CacheContract
from deskhand.cache import Breaker, InMemoryCache


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


def test_the_breaker_opens_after_five_failures_in_a_row_and_lets_one_try_after_its_pause(clock: HeldClock) -> None:
    breaker = Breaker(clock=clock, failures=5, pause_seconds=5)
    for _ in range(4):
        breaker.failed()
    breaker.succeeded()
    for _ in range(5):
        assert breaker.allows()
        breaker.failed()
    assert not breaker.allows()
    clock.pass_time(5.1)
    assert [breaker.allows(), breaker.allows()] == [True, False]
    breaker.succeeded()
    assert breaker.allows()
