"""What DESKHAND_REDIS_URL alone switches on."""

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis

from api.serving import STAFF, serving, settings_in
from deskhand.realtime.presence.redis import RedisPresence
from parts.valkey import ValkeyServer


async def test_one_address_puts_everything_that_instances_share_on_redis(tmp_path: Path, redis_url: str) -> None:
    async with serving(settings_in(tmp_path, redis_url=redis_url, rate_limit_enabled=True, rate_limit_requests=1000)) as served:
        about = (await served.http.get("/")).json()
        assert about["session_store"] == "RedisSessionStore"
        assert isinstance(served.services.presence, RedisPresence)
        visitor = await served.visitor()
        await served.say(visitor, "Hello")
        ready = (await served.http.get("/health/ready")).json()
        assert (ready["services"]["cache"], ready["services"]["session_store"]) == ("healthy", "healthy")
        redis = Redis.from_url(redis_url)
        kinds = {key.decode().rsplit(":", 1)[0].split("/")[0] for key in await redis.keys("*")}
        assert any(kind.startswith("deskhand:session") for kind in kinds)
        assert any(kind.startswith("deskhand:limit") for kind in kinds)
        await redis.aclose()


async def test_a_redis_that_throws_live_sessions_away_is_named_at_the_start(tmp_path: Path, own_valkey_server: ValkeyServer) -> None:
    for policy, is_told in (("noeviction", False), ("volatile-ttl", False), ("allkeys-lru", True)):
        own_valkey_server.run("CONFIG", "SET", "maxmemory-policy", policy)
        async with serving(settings_in(tmp_path, redis_url=own_valkey_server.url)) as served:
            assert ("redis_evicts_sessions" in served.logs.getvalue()) == is_told


async def test_on_postgresql_readiness_says_whether_the_instances_hear_each_other(
    tmp_path: Path, postgres_url: str, own_valkey_server: ValkeyServer
) -> None:
    settings = settings_in(tmp_path, database_url=postgres_url, redis_url=own_valkey_server.url)
    async with serving(settings) as served:
        # Nothing was wrong at the start.
        assert "not reachable" not in served.logs.getvalue()
        visitor = await served.visitor()
        async with served.connect(visitor):
            for wanted in ("healthy", "not reachable", "healthy"):
                if wanted == "not reachable":
                    own_valkey_server.stop()
                elif served.services.turns.hears_others is False:
                    own_valkey_server.start()
                async with asyncio.timeout(10):
                    while (await served.http.get("/health/ready")).json()["services"]["realtime"] != wanted:  # noqa: ASYNC110 - another task sees it
                        await asyncio.sleep(0.05)


async def test_the_limit_holds_for_two_servers_together(tmp_path: Path, redis_url: str) -> None:
    limited = {"redis_url": redis_url, "rate_limit_enabled": True, "rate_limit_requests": 6, "rate_limit_period_seconds": 60}
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    async with serving(settings_in(tmp_path / "one", **limited)) as one, serving(settings_in(tmp_path / "other", **limited)) as other:
        answers = [await served.http.post("/api/sessions", json={}) for _ in range(4) for served in (one, other)]
        assert [answer.status_code for answer in answers] == [201] * 6 + [429] * 2
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 60


async def test_a_server_starts_without_its_redis_says_so_and_heals(tmp_path: Path, own_valkey_server: ValkeyServer) -> None:
    own_valkey_server.stop()
    async with serving(settings_in(tmp_path, redis_url=own_valkey_server.url)) as served:
        visitor = await served.visitor()
        assert (await served.say(visitor, "Hello")).status_code == 200
        ready = await served.http.get("/health/ready", headers=STAFF)
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        own_valkey_server.start()
        for _ in range(200):
            if (await served.http.get("/health/ready")).json()["services"]["session_store"] == "healthy":
                break
        else:
            pytest.fail("it did not heal")
        assert (await served.say(visitor, "And again")).status_code == 200
