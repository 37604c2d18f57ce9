"""How much one caller may ask (RELIABILITY E13): whose bucket it is, and that nobody can make themselves a new one."""

import random
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.serving import STAFF, Served, serving, settings_in
from cache.clock import HeldClock
from deskhand.api.rate_limit import MemoryCounters, RateLimiter

LIMIT = 20


def limited(folder: Path, **more: Any) -> Any:
    return serving(settings_in(folder, rate_limit_enabled=True, rate_limit_requests=LIMIT, **more))


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with limited(tmp_path) as running:
        yield running


async def test_a_request_too_many_is_429_and_says_when_to_come_back(served: Served) -> None:
    remaining = []
    for _ in range(LIMIT):
        answer = await served.http.get("/api/public/config")
        assert answer.status_code == 200
        assert answer.headers["X-RateLimit-Limit"] == str(LIMIT)
        remaining.append(int(answer.headers["X-RateLimit-Remaining"]))
    assert remaining == list(range(LIMIT - 1, -1, -1))
    refused = await served.http.get("/api/public/config")
    assert (refused.status_code, refused.json()["error"]) == (429, "too_many_requests")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert refused.headers["X-Request-ID"]


async def test_health_is_never_limited(served: Served) -> None:
    for _ in range(LIMIT + 5):
        assert (await served.http.get("/health/live")).status_code == 200


async def test_staff_are_not_limited(served: Served) -> None:
    for _ in range(LIMIT + 5):
        assert (await served.http.get("/api/sessions", headers=STAFF)).status_code == 200


async def test_forwarding_headers_of_anybody_make_no_new_bucket(served: Served) -> None:
    chance = random.Random(1)
    codes = []
    for _ in range(1_000):
        made_up = ".".join(str(chance.randrange(1, 255)) for _ in range(4))
        headers = {"X-Forwarded-For": made_up, "X-Real-IP": made_up, "Forwarded": f"for={made_up}"}
        codes.append((await served.http.get("/api/public/config", headers=headers)).status_code)
    assert codes.count(200) == LIMIT
    assert codes.count(429) == 1_000 - LIMIT


async def test_made_up_tokens_make_no_new_bucket(served: Served) -> None:
    codes = [
        (await served.http.get("/api/sessions/sess_000000000000", headers={"Authorization": f"Bearer vt_{number:040d}"})).status_code
        for number in range(LIMIT + 10)
    ]
    assert codes.count(401) == LIMIT
    assert codes.count(429) == 10


async def test_a_visitor_has_a_bucket_of_their_own_whatever_others_at_that_address_do(served: Served) -> None:
    visitor = await served.visitor()
    address = f"/api/sessions/{visitor.session_id}"
    await served.http.get(address, headers=visitor.headers)
    while (await served.http.get("/api/public/config")).status_code != 429:
        pass
    assert (await served.http.get(address, headers=visitor.headers)).status_code == 200


async def test_behind_a_trusted_proxy_the_real_client_counts(tmp_path: Path) -> None:
    async with limited(tmp_path, trusted_proxies=["127.0.0.1", "10.0.0.0/8"]) as served:

        async def ask(forwarded: str) -> int:
            answer = await served.http.get("/api/public/config", headers={"X-Forwarded-For": forwarded})
            return int(answer.status_code)

        for number in range(LIMIT):
            # What stands before the address our own proxy saw is the client's invention.
            assert await ask(f"198.51.100.{number}, 203.0.113.7, 10.1.2.3") == 200
        assert await ask("203.0.113.7") == 429
        assert await ask("203.0.113.8") == 200


async def test_messages_over_the_websocket_count_too(served: Served) -> None:
    visitor = await served.visitor()
    async with served.connect(visitor) as socket:
        await socket.recv()
        for number in range(LIMIT + 1):
            await socket.send(f'{{"type":"message","content":"{number}"}}')
        frames = []
        while not any('"too_many_requests"' in frame for frame in frames):
            frames.append(await socket.recv())
    assert '"retry_after":' in frames[-1]


async def test_the_window_ends_and_ipv6_neighbours_share_a_bucket() -> None:
    clock = HeldClock()
    limiter = RateLimiter(MemoryCounters(clock=clock), requests=2, period_seconds=60, clock=clock)

    async def wait_of(address: str) -> float | None:
        verdict = await limiter.hit(token=None, address=address)
        assert verdict is not None
        return verdict.retry_after_seconds

    assert [await wait_of(f"2001:db8::{number}") for number in (1, 2, 3)] == [None, None, 60]
    assert await wait_of("2001:db9::3") is None
    clock.pass_time(60)
    assert await wait_of("2001:db8::3") is None


async def test_the_number_of_buckets_is_bounded() -> None:
    clock = HeldClock()
    counters = MemoryCounters(clock=clock, most=100)
    for number in range(1_000):
        await counters.incr(f"key-{number}", 60)
    assert len(counters) == 100


async def test_instances_that_share_a_redis_count_together(redis_url: str, tmp_path: Path) -> None:
    async with limited(tmp_path / "a", redis_url=redis_url) as one, limited(tmp_path / "b", redis_url=redis_url) as two:
        codes = [(await served.http.get("/api/public/config")).status_code for served in (one, two) * LIMIT]
    assert codes == [200] * LIMIT + [429] * LIMIT


async def test_while_redis_is_away_each_instance_counts_alone_and_nobody_waits(tmp_path: Path, free_port: int) -> None:
    async with limited(tmp_path, redis_url=f"redis://127.0.0.1:{free_port}/0") as served:
        started = time.monotonic()
        codes = [(await served.http.get("/api/public/config")).status_code for _ in range(LIMIT + 1)]
        assert time.monotonic() - started < 5
    assert codes == [200] * LIMIT + [429]
