"""A real cluster, and a real Sentinel that fails over: everything that uses Redis does so there as well."""

import asyncio
import signal
import time

from cache.contract import CacheContract
from deskhand.api.redis import SharedCounters
from deskhand.cache.redis import RedisCache
from deskhand.clock import SystemClock
from deskhand.realtime.bus.redis import RedisBus
from deskhand.redis_link.errors import RedisUnavailable
from deskhand.redis_link.redis import RedisLink
from deskhand.session_store.redis import RedisSessionStore
from parts.valkey_groups import ValkeyCluster, WatchedValkey
from realtime.bus_contract import Ear
from session_store.contract import a_context, add_note

HEALS_SECONDS = 10.0


async def test_the_session_store_works_on_a_cluster(valkey_cluster: ValkeyCluster) -> None:
    store = RedisSessionStore(valkey_cluster.url, limit_seconds=2.0)
    names = [f"sess_{number}" for number in range(60)]
    await asyncio.gather(*(store.set(name, a_context(name)) for name in names))
    assert set(await store.list_sessions()) == set(names)
    assert await store.count() == 60
    for name in names[:10]:
        await store.update(name, lambda context: add_note(context, "x"))
        assert await store.increment(name, "seen") == 1
        stored = await store.get(name)
        assert stored is not None
        assert (stored.notes, stored.counters) == (("x",), {"seen": 1})
        assert await store.delete(name)
    assert await store.ping()
    await store.close()


async def test_the_cache_and_the_rate_limit_work_on_a_cluster(valkey_cluster: ValkeyCluster) -> None:
    link = RedisLink(valkey_cluster.url, clock=SystemClock(), limit_seconds=2.0)
    cache = RedisCache(link, key_prefix="test:")
    await CacheContract().test_what_was_set_is_found(cache)
    counters = SharedCounters(link, clock=SystemClock())
    assert [await counters.incr("somebody", 60) for _ in range(3)] == [1, 2, 3]
    await link.close()


async def test_a_topic_is_heard_on_whichever_node_of_a_cluster_it_lives(valkey_cluster: ValkeyCluster) -> None:
    links = [RedisLink(valkey_cluster.url, clock=SystemClock(), limit_seconds=2.0) for _ in range(2)]
    talker, hearer = (RedisBus(link) for link in links)
    talker.start()
    hearer.start()
    ears = [Ear(hearer, f"topic-{number}") for number in range(30)]
    for ear in ears:
        await ear.until_joined()
    assert hearer.is_connected
    for number in range(30):
        talker.send(f"topic-{number}", b"%d" % number)
    for number, ear in enumerate(ears):
        await ear.until(lambda ear: bool(ear.heard))
        assert ear.heard == [b"%d" % number]
    places = {await links[0].place_of(f"deskhand:bus:topic-{number}") for number in range(30)}
    assert len(places) == 3
    for bus, link in zip((talker, hearer), links, strict=True):
        await bus.close()
        await link.close()


async def test_a_topic_is_heard_again_after_its_slot_moved_to_another_node(valkey_cluster: ValkeyCluster) -> None:
    links = [RedisLink(valkey_cluster.url, clock=SystemClock(), limit_seconds=2.0) for _ in range(2)]
    talker, hearer = (RedisBus(link) for link in links)
    talker.start()
    hearer.start()
    ear = Ear(hearer, "moving")
    await ear.until_joined()
    topic = "deskhand:bus:moving"
    slot = valkey_cluster.nodes[0].run("CLUSTER", "KEYSLOT", topic).strip(b":\r\n").decode()
    here = await links[0].place_of(topic)
    there = next(node for node in valkey_cluster.nodes if str(node.port) not in here)
    name = there.run("CLUSTER", "MYID").split(b"\r\n")[1].decode()
    for node in valkey_cluster.nodes:
        node.run("CLUSTER", "SETSLOT", slot, "NODE", name)
    async with asyncio.timeout(HEALS_SECONDS * 2):
        while not ear.heard:
            talker.send("moving", b"here now")
            await asyncio.sleep(0.1)
    for bus, link in zip((talker, hearer), links, strict=True):
        await bus.close()
        await link.close()


async def test_what_a_node_of_a_cluster_served_is_asked_of_another_once_it_is_silent(valkey_cluster: ValkeyCluster) -> None:
    link = RedisLink(valkey_cluster.url, clock=SystemClock(), limit_seconds=1.0)
    gone, *others = valkey_cluster.nodes
    places = {str(number): await link.place_of(str(number)) for number in range(100)}
    key = next(key for key, place in places.items() if place == f"127.0.0.1:{gone.port}")
    await link.ask("SET", key, "value")
    slot = gone.run("CLUSTER", "KEYSLOT", key).strip(b":\r\n").decode()
    name = others[0].run("CLUSTER", "MYID").split(b"\r\n")[1].decode()
    gone.freeze()
    for node in others:
        node.run("CONFIG", "SET", "cluster-require-full-coverage", "no")
        node.run("CLUSTER", "SETSLOT", slot, "NODE", name)
    # Each time it is by chance whether the silent one is asked who serves what.
    async with asyncio.timeout(60):
        while True:
            try:
                assert await link.ask("GET", key) is None
            except RedisUnavailable:
                await asyncio.sleep(0.05)
            else:
                break
    await link.close()


async def test_after_a_failover_the_new_master_is_found_within_ten_seconds(watched_valkey: WatchedValkey) -> None:
    link = RedisLink(watched_valkey.url, clock=SystemClock())
    store, cache, bus = RedisSessionStore(link), RedisCache(link, key_prefix="test:"), RedisBus(link)
    bus.start()
    ear = Ear(bus, "a")
    await ear.until_joined()
    await store.set("sess_a", a_context())
    assert await cache.set("a", b"value", ttl_seconds=60)
    waits: list[float] = []
    watched_valkey.master.stop(with_signal=signal.SIGKILL)
    killed_at = time.monotonic()
    while time.monotonic() - killed_at < HEALS_SECONDS * 2:
        started = time.monotonic()
        try:
            await link.ask("SET", "key", "value")
        except RedisUnavailable:
            waits.append(time.monotonic() - started)
            await asyncio.sleep(0.05)
        else:
            break
    healed = time.monotonic() - killed_at
    assert healed <= HEALS_SECONDS, f"{healed:.1f} s"
    assert max(waits) < 0.6
    await ear.until_joined(times=2)
    assert str(watched_valkey.replica.port).encode() in watched_valkey.replica.ask(
        watched_valkey.sentinel_port, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "desk"
    )
    await bus.close()
    await link.close()
