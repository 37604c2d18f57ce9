"""The in-memory session store: the contract, and that it is bounded."""

import pytest

from deskhand.session_store import InMemorySessionStore
from session_store.contract import SessionStoreContract, a_context


class MovableClock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds


class TestInMemorySessionStore(SessionStoreContract):
    @pytest.fixture
    def clock(self) -> MovableClock:
        return MovableClock()

    @pytest.fixture
    def store(self, clock: MovableClock) -> InMemorySessionStore:
        self.clock = clock
        return InMemorySessionStore(default_ttl=60, clock=clock)

    async def let_time_pass(self, seconds: float) -> None:
        self.clock.seconds += seconds


async def test_the_session_unused_for_longest_makes_room() -> None:
    store = InMemorySessionStore(max_sessions=3)
    for name in ("sess_a", "sess_b", "sess_c"):
        await store.set(name, a_context(name))
    await store.get("sess_a")
    await store.set("sess_d", a_context("sess_d"))
    assert sorted(await store.list_sessions()) == ["sess_a", "sess_c", "sess_d"]
    assert (await store.get_stats()).evictions == 1


async def test_an_expired_session_makes_room_before_a_live_one() -> None:
    clock = MovableClock()
    store = InMemorySessionStore(max_sessions=2, clock=clock)
    await store.set("sess_a", a_context("sess_a"))
    await store.set("sess_b", a_context("sess_b"), ttl_seconds=1)
    clock.seconds += 2
    await store.set("sess_c", a_context("sess_c"))
    assert sorted(await store.list_sessions()) == ["sess_a", "sess_c"]
    assert (await store.get_stats()).evictions == 0


async def test_its_size_in_bytes_returns_to_nothing() -> None:
    store = InMemorySessionStore()
    for number in range(10):
        await store.set(f"sess_{number}", a_context(f"sess_{number}", said="x" * 1000))
    size = (await store.get_stats()).size_bytes
    assert size is not None
    assert size > 10_000
    for number in range(10):
        await store.delete(f"sess_{number}")
    assert (await store.get_stats()).size_bytes == 0
