"""Searches that two processes share over the cache: what one found the other need not look for, and nothing that is gone comes back."""

import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from deskhand.cache.redis import RedisCache
from deskhand.clock import SystemClock
from deskhand.ids import SessionId
from deskhand.knowledge import Audience, Embedder, KnowledgeOptions, KnowledgeService, Tier, document_id
from deskhand.persistence import Database
from deskhand.redis_link.redis import RedisLink
from knowledge.test_living_deletion import CANARY, ORIGIN, TEXT, WAYS, document, take_away
from parts.valkey import ValkeyServer

# Far longer than a test: without the cache's own look at the version, another process's writes would go unseen.
OPTIONS = KnowledgeOptions(threads=2, refresh_seconds=3_600.0)

Serve = Callable[[], contextlib.AbstractAsyncContextManager[tuple[KnowledgeService, RedisCache]]]


@pytest.fixture
def serve(database_url: str, database: Database, embedder: Embedder, redis_url: str) -> Serve:
    """A process: a connection, an index and a link to Redis of its own."""

    @contextlib.asynccontextmanager
    async def process() -> AsyncIterator[tuple[KnowledgeService, RedisCache]]:
        own = await Database.open(database_url)
        link = RedisLink(redis_url, clock=SystemClock(), limit_seconds=5.0)
        cache = RedisCache(link, key_prefix="test:")
        service = KnowledgeService(own, embedder, OPTIONS, cache=cache)
        try:
            yield service, cache
        finally:
            await service.close()
            await link.close()
            await own.close()

    return process


async def test_what_one_process_found_another_is_given_without_searching(serve: Serve) -> None:
    async with serve() as (one, _), serve() as (other, cache):
        await one.ingest([document(), document("Invoices are sent monthly.", origin="file:///i.md")], sync_scope=None)
        asked = {"limit": 5, "audience": Audience.public(), "earlier": ("I came by car.",)}
        found = await one.search("Who is the parking attendant?", **asked)
        again = await other.search("Who is the parking attendant?", **asked)
        assert found
        assert again == found
        assert (await cache.stats()).hits == 1


@pytest.mark.parametrize("way", WAYS)
async def test_what_was_taken_away_comes_back_from_no_cache(serve: Serve, way: str) -> None:
    async with serve() as (one, _), serve() as (other, _):
        text = TEXT.replace(CANARY, "Bob") if way == "title" else TEXT
        await one.ingest([document(text, title=CANARY)], sync_scope=None)
        for service in (one, other):
            assert await service.search(CANARY, limit=5, audience=Audience.customer())
        await take_away(one, way)
        for service in (other, one):
            passages = await service.search(CANARY, limit=20, audience=Audience.customer())
            assert CANARY not in repr([passage for passage in passages if way != "replace" or CANARY in passage.text])


async def test_what_was_put_in_is_found_at_once_by_every_process(serve: Serve) -> None:
    async with serve() as (one, _), serve() as (other, _):
        await one.ingest([document("Invoices are sent monthly.", origin="file:///i.md")], sync_scope=None)
        for service in (one, other):
            found = await service.search(CANARY, limit=5, audience=Audience.public())
            assert CANARY not in repr(found)
        await one.ingest([document()], sync_scope=None)
        for service in (other, one):
            assert CANARY in repr(await service.search(CANARY, limit=5, audience=Audience.public()))


async def test_nobody_is_given_what_another_may_see(serve: Serve) -> None:
    async with serve() as (one, _), serve() as (other, _):
        await one.ingest([document()], sync_scope=None)
        await one.library.edit(document_id(ORIGIN), {"tier": Tier.OPERATORS}, by="ada")
        assert await one.search(CANARY, limit=5, audience=Audience.operator())
        for audience in (Audience.public(), Audience.customer(), Audience.public(SessionId("sess_a"))):
            assert await other.search(CANARY, limit=5, audience=audience) == []


async def test_sessions_without_documents_of_their_own_share_what_they_find(serve: Serve) -> None:
    async with serve() as (one, _), serve() as (other, cache):
        await one.ingest([document()], sync_scope=None)
        first = await one.search(CANARY, limit=5, audience=Audience.public(SessionId("sess_a")))
        assert await other.search(CANARY, limit=5, audience=Audience.public(SessionId("sess_b"))) == first
        assert (await cache.stats()).hits == 1


async def test_what_one_process_embedded_another_is_given(serve: Serve) -> None:
    earlier = ("I came by car yesterday.", "Somebody took the key of it.")
    asked = {"limit": 5, "audience": Audience.public()}
    async with serve() as (one, _), serve() as (other, cache):
        await one.ingest([document()], sync_scope=None)
        await one.search("Who is the parking attendant?", earlier=earlier, **asked)
        go_on = (*earlier, "Who is the parking attendant?")
        found = await other.search("When does the parking attendant come?", earlier=go_on, **asked)
        stats = await cache.stats()
        # All three turns before were there; what is asked now was not, neither its vector nor its passages.
        assert (stats.hits, stats.misses) == (3, 2)
        assert found == await one.search("When does the parking attendant come?", earlier=go_on, **asked)


async def test_without_redis_it_searches_as_ever(database: Database, embedder: Embedder, own_valkey_server: ValkeyServer) -> None:
    link = RedisLink(own_valkey_server.url, clock=SystemClock())
    service = KnowledgeService(database, embedder, OPTIONS, cache=RedisCache(link, key_prefix="test:"))
    own_valkey_server.stop()
    await service.ingest([document()], sync_scope=None)
    for _ in range(3):
        assert CANARY in repr(await service.search(CANARY, limit=5, audience=Audience.public()))
    await service.close()
    await link.close()
