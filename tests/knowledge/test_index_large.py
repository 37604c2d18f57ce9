"""An index too large to compare every chunk: it finds the same, keeps files, and believes the database more than them."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from numpy.typing import NDArray

from deskhand.clock import SystemClock
from deskhand.ids import SessionId
from deskhand.knowledge import (
    Audience,
    Embedder,
    KnowledgeOptions,
    KnowledgeService,
    Loading,
    LoadingStep,
    SourceDocument,
    Tier,
    document_id,
)
from deskhand.knowledge.analysis import analyse, pack
from deskhand.knowledge.candidates import Candidates, Query
from deskhand.knowledge.index import Index
from deskhand.knowledge.live_index import LiveIndex
from deskhand.knowledge.settling import next_step
from deskhand.knowledge.shard import Shard
from deskhand.knowledge.shard_files import ShardFolder
from deskhand.knowledge.tables import chunks, documents, state
from deskhand.persistence import Database, Transaction, metadata

_CHUNKS = 21_000
_PER_DOCUMENT = 10
_SHARE = 0.5
_SESSION = SessionId("sess_0123456789ab")
_PUBLIC = Audience.public()


@dataclass(frozen=True, slots=True)
class Made:
    """A database with many chunks in `path`, and what is in it, by chunk id from 1."""

    path: Path
    vectors: NDArray[np.float32]
    terms: Sequence[dict[int, int]]
    # A row of chunk, term and count for each term of each chunk, by term.
    postings: NDArray[np.int64]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    rng = np.random.default_rng(5)
    words = np.array(["".join(letters) for letters in rng.choice(list("aeiostrnlm"), (3_000, 6))])
    centres = rng.standard_normal((200, 384))
    vectors = centres[rng.integers(0, 200, _CHUNKS)] + 1.2 * rng.standard_normal((_CHUNKS, 384))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("<f4")
    texts = [" ".join(words[np.minimum(rng.zipf(1.3, 12) - 1, 2_999)]) for _ in range(_CHUNKS)]
    found = [analyse(text) for text in texts]
    path = tmp_path_factory.mktemp("large") / "made.db"
    asyncio.run(_store(path, texts, vectors, [pack(*terms) for terms in found]))
    terms = [dict(zip(hashes.tolist(), counts.tolist(), strict=True)) for hashes, counts in found]
    postings = np.array([(row, term, count) for row, each in enumerate(terms) for term, count in each.items()])
    return Made(path, vectors, terms, np.asfortranarray(postings[np.argsort(postings[:, 1])]))


async def _store(path: Path, texts: Sequence[str], vectors: NDArray[np.float32], terms: Sequence[bytes]) -> None:
    def work(transaction: Transaction) -> None:
        metadata.create_all(transaction.connection)
        transaction.execute(sa.insert(state), [{"id": 1, "version": 1}])
        common = {"url": None, "content_type": "text/markdown", "tier": "public", "session_id": None, "scope": None, "metadata": {}}
        common |= {"recipe": "made", "characters": 1, "chunk_count": _PER_DOCUMENT, "version": 1, "created_at": 1.0, "updated_at": 1.0}
        names = [str(document_id(f"made:{number}")) for number in range(_CHUNKS // _PER_DOCUMENT)]
        transaction.execute(
            sa.insert(documents),
            [{"id": name, "origin": name, "source": name, "title": name, "content_hash": name, **common} for name in names],
        )
        transaction.execute(
            sa.insert(chunks),
            [
                {"id": row + 1, "document_id": names[row // _PER_DOCUMENT], "position": row % _PER_DOCUMENT, "text": text}
                | {"section": None, "page": None, "vector": vectors[row].tobytes(), "terms": terms[row]}
                for row, text in enumerate(texts)
            ],
        )

    database = await Database.open(f"sqlite:///{path}")
    await database.write(work)
    await database.close()


@dataclass(slots=True)
class Desk:
    """A process with the made database of its own."""

    database: Database
    knowledge: KnowledgeService
    folder: Path
    executor: ThreadPoolExecutor
    index: LiveIndex

    async def restart(self) -> None:
        await self.index.close()
        self.index = _live(self)

    async def settled(self) -> Index:
        """The index, once nothing is left to be tidied in it, nor in its files."""
        async with asyncio.timeout(60):
            while True:
                index = await self.index.current()
                shards = [part for part in index.parts if isinstance(part, Shard)]
                if next_step(index) is None and len(shards) == len(list(self.folder.glob("*.shard"))):
                    return index
                await asyncio.sleep(0.01)

    async def find(self, query: Query, audience: Audience = _PUBLIC, *, limit: int = 40) -> Candidates:
        return await self.index.candidates(query, audience=audience, share=_SHARE, limit=limit)

    async def put(self, name: str, text: str, *, tier: Tier = Tier.PUBLIC, session_id: SessionId | None = None) -> set[int]:
        """The ids of its chunks."""
        source = SourceDocument(f"test:{name}", name, "a.md", text.encode(), title=name, tier=tier, session_id=session_id)
        assert (await self.knowledge.ingest([source], sync_scope=None)).failed == ()
        self.index.mark_stale()
        return await self.chunk_ids(name)

    async def chunk_ids(self, name: str) -> set[int]:
        query = sa.select(chunks.c.id).where(chunks.c.document_id == document_id(f"test:{name}"))
        return set(await self.database.read(lambda connection: connection.execute(query).scalars().all()))


def _live(desk: Desk) -> LiveIndex:
    return LiveIndex(desk.database, clock=SystemClock(), executor=desk.executor, refresh_seconds=60, folder=desk.folder)


@pytest.fixture
async def desk(made: Made, embedder: Embedder, tmp_path: Path) -> AsyncIterator[Desk]:
    shutil.copy(made.path, tmp_path / "own.db")
    database = await Database.open(f"sqlite:///{tmp_path / 'own.db'}")
    executor = ThreadPoolExecutor(2)
    knowledge = KnowledgeService(database, embedder, KnowledgeOptions(threads=1))
    index = LiveIndex(database, clock=SystemClock(), executor=executor, refresh_seconds=60, folder=tmp_path / "index")
    opened = Desk(database, knowledge, tmp_path / "index", executor, index)
    yield opened
    await opened.index.close()
    await knowledge.close()
    await database.close()
    executor.shutdown()


def _query(vector: NDArray[np.float32], text: str | dict[int, int]) -> Query:
    hashes = analyse(text)[0] if isinstance(text, str) else np.array(sorted(text), np.uint32)
    return Query(vector[None], hashes, np.ones(len(hashes), np.float32), 1.0)


def _made_queries(made: Made, count: int) -> list[Query]:
    """Near a chunk, with some words of another."""
    rng = np.random.default_rng(6)
    queries = []
    for row, other in rng.integers(0, _CHUNKS, (count, 2)):
        vector = made.vectors[row] + 0.03 * rng.standard_normal(384).astype(np.float32)
        terms = made.terms[row] | dict(list(made.terms[other].items())[:6])
        queries.append(_query(vector / np.linalg.norm(vector), {term: terms[term] for term in list(terms)[::2]}))
    return queries


def _exactly(made: Made, query: Query) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The score, the BM25 and the coverage of every chunk, the slow and plain way."""
    lengths = np.bincount(made.postings[:, 0], made.postings[:, 2])
    words, covered, most = np.zeros(_CHUNKS), np.zeros(_CHUNKS), 0.0
    for term in query.hashes.tolist():
        counts = np.zeros(_CHUNKS)
        of_term = made.postings[slice(*np.searchsorted(made.postings[:, 1], [term, term + 1]))]
        counts[of_term[:, 0]] = of_term[:, 2]
        having = np.count_nonzero(counts)
        rarity = np.log1p((_CHUNKS - having + 0.5) / (having + 0.5))
        words += rarity * counts * 2.2 / (counts + 1.2 * (0.25 + 0.75 * lengths / lengths.mean()))
        covered += rarity * (counts > 0)
        most += rarity
    return _SHARE * np.clip(made.vectors @ query.vectors[0], 0, 1) + (1 - _SHARE) * words / words.max(), words, covered / most


def _best(found: Candidates, count: int) -> list[int]:
    fused = _SHARE * found.cosines + (1 - _SHARE) * found.words / (found.best_words or 1)
    return found.chunk_ids[np.argsort(-fused)[:count]].tolist()


async def test_a_large_index_finds_what_exact_search_finds(desk: Desk, made: Made) -> None:
    index = await desk.settled()
    assert [type(part) for part in index.parts] == [Shard]
    shares = []
    for query in _made_queries(made, 40):
        found = await desk.find(query)
        scores, words, coverage = _exactly(made, query)
        wanted = np.argsort(-scores)[:10] + 1
        shares.append(len(set(_best(found, 10)) & set(wanted.tolist())) / 10)
        assert found.words == pytest.approx(words[found.chunk_ids - 1], rel=1e-3)
        assert found.cosines == pytest.approx(np.clip(made.vectors[found.chunk_ids - 1] @ query.vectors[0], 0, 1), abs=5e-3)
        assert found.coverage == pytest.approx(coverage[found.chunk_ids - 1], rel=1e-6)
        assert found.best_words == pytest.approx(words.max(), rel=1e-3)
    assert np.mean(shares) >= 0.95


async def test_a_start_tells_how_much_of_the_index_is_there(desk: Desk) -> None:
    told: list[Loading] = []
    await desk.index.open(told.append)
    assert told[:2] == [Loading(LoadingStep.INDEX), Loading(LoadingStep.INDEX, 0, _CHUNKS)]
    assert [loading.done for loading in told[1:]] == list(range(0, _CHUNKS, 500 * _PER_DOCUMENT))
    await desk.settled()
    await desk.restart()
    told.clear()
    await desk.index.open(told.append)
    assert told == [Loading(LoadingStep.INDEX)]


async def test_the_index_is_read_from_its_files_at_the_next_start(desk: Desk, made: Made) -> None:
    await desk.settled()
    query = _made_queries(made, 1)[0]
    before = await desk.find(query)
    nothing = sa.update(chunks).values(vector=bytes(4 * 384))
    await desk.database.write(lambda transaction: transaction.execute(nothing))
    await desk.restart()
    after = await desk.find(query)
    assert sorted(after.chunk_ids) == sorted(before.chunk_ids)
    assert after.cosines.max() > 0.5


@pytest.mark.parametrize(
    ("place", "written"),
    [pytest.param(0.5, b"\xff\x00\xff\x00", id="damaged"), pytest.param(0, b"deskhand shard 1\n", id="of an earlier version")],
)
async def test_a_file_that_cannot_be_used_is_built_again(desk: Desk, made: Made, place: float, written: bytes) -> None:
    await desk.settled()
    query = _made_queries(made, 1)[0]
    before = await desk.find(query)
    (file,) = desk.folder.glob("*.shard")
    with file.open("r+b") as damaged:
        damaged.seek(int(file.stat().st_size * place))
        damaged.write(written)
    await desk.restart()
    await desk.settled()
    assert sorted((await desk.find(query)).chunk_ids) == sorted(before.chunk_ids)
    (anew,) = desk.folder.glob("*.shard")
    assert anew != file


async def test_files_are_believed_only_where_the_database_agrees(desk: Desk, embedder: Embedder) -> None:
    query = _query(embedder.embed(["the quarterly zebra audit"])[0], "quarterly zebra audit")
    gone = await desk.put("gone", "The quarterly zebra audit is over.")
    replaced = await desk.put("replaced", "The quarterly zebra audit is near.")
    await desk.settled()
    assert {*gone, *replaced} <= set(_best(await desk.find(query), 2))
    await desk.index.close()
    await desk.knowledge.library.delete(document_id("test:gone"), by="test")
    new = await desk.put("replaced", "The quarterly zebra audit was moved to May.")
    await desk.restart()
    found = set((await desk.find(query)).chunk_ids.tolist())
    assert new <= found
    assert not found & {*gone, *replaced}


async def test_what_is_deleted_leaves_the_index_at_once_and_its_files_soon(desk: Desk, embedder: Embedder) -> None:
    ids = await desk.put("secret", "The zebra vault opens at nine.")
    await desk.settled()
    query = _query(embedder.embed(["zebra vault"])[0], "zebra vault")
    assert ids <= set(_best(await desk.find(query), 1))
    await desk.knowledge.library.delete(document_id("test:secret"), by="test")
    desk.index.mark_stale()
    assert not ids & set((await desk.find(query)).chunk_ids.tolist())
    index = await desk.settled()
    kept = [*index.parts, *ShardFolder(desk.folder).load()]
    assert not any(np.isin(part.columns.chunk_ids, list(ids)).any() for part in kept)


async def test_the_file_of_one_session_is_found_among_all_by_that_session_alone(desk: Desk, embedder: Embedder) -> None:
    own = await desk.put("own", "My zebra is called Anna.", session_id=_SESSION)
    hidden = await desk.put("hidden", "Zebras are for operators.", tier=Tier.OPERATORS)
    await desk.settled()
    query = _query(embedder.embed(["zebra"])[0], "zebra")
    assert _best(await desk.find(query, Audience.public(_SESSION)), 1) == list(own)
    assert not {*own, *hidden} & set((await desk.find(query)).chunk_ids.tolist())
    alone = await desk.find(query, Audience(frozenset({Tier.OPERATORS})))
    assert set(alone.chunk_ids.tolist()) == hidden


async def test_a_new_document_is_found_at_once_however_many_there_are(desk: Desk, embedder: Embedder) -> None:
    await desk.settled()
    query = _query(embedder.embed(["zebra crossing"])[0], "zebra crossing")
    for number in range(12):
        ids = await desk.put(f"new {number}", f"Zebra crossing number {number} is closed.")
        assert ids <= set((await desk.find(query)).chunk_ids.tolist())
    index = await desk.settled()
    assert len(index) == _CHUNKS + 12
