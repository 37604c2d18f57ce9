"""Search inside PostgreSQL beside search in memory: the same chunks, questions and exact answers, in one run.

The server is the one that the tests start, but as PostgreSQL comes: what it commits is on the disk, and it has 128 MB of buffers. What is
timed is a search as the server does it, from the read question to its candidates with all evidence. Chunks come as rows of the knowledge
base; from there on the index takes them in by itself, as it does when a server starts.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from bench.instances import cpu_of_tree, postgres, start_durable_postgres
from bench.report import keep, median, percentile, show, verdict
from bench.search import CACHE, COMPARED, LIMIT, NOW, PUBLIC, in_large_index, in_small_index, recall_of, timed
from bench.search_data import Seeds, embedded, grow, grow_portion, made_words, plant, read_questions
from deskhand.clock import SystemClock
from deskhand.knowledge.candidates import Candidates, Finder, Query
from deskhand.knowledge.documents import Tier
from deskhand.knowledge.embedding import Embedder
from deskhand.knowledge.index import EXACT_ROWS, Index, Vocabulary
from deskhand.knowledge.pgvector import PostgresqlIndex
from deskhand.knowledge.querying import QueryReader
from deskhand.knowledge.ranking import Weights, dense_share
from deskhand.knowledge.segment import ChunkRow
from deskhand.knowledge.shard import MOST_ROWS
from deskhand.persistence import Database, metadata

SIZES = (20_000, 50_000)
MOST_MEDIAN_MS, LEAST_RECALL = 60.0, 0.95
_ADDED = 1_000
_DOCUMENTS_OF_A_VERSION = 32

_Result = TypeVar("_Result")


class _Engine:
    """The index in an empty database of a server of its own, and the loop that it runs on."""

    def __init__(self, server: postgres.PostgresServer) -> None:
        self._server = server
        self._runner = asyncio.Runner()
        self.url = server.create_database()
        self.database = self.run(Database.open(self.url))
        self.run(self.database.write(lambda transaction: metadata.create_all(transaction.connection)))
        self.index = PostgresqlIndex(self.database, clock=SystemClock(), refresh_seconds=1.0)
        self.run(self.index.set_up())

    def run(self, work: Awaitable[_Result]) -> _Result:
        async def awaited() -> _Result:
            return await work

        return self._runner.run(awaited())

    def search(self, query: Query) -> Candidates:
        return self.run(self.index.candidates(query, audience=PUBLIC, share=dense_share(query, Weights()), limit=LIMIT))

    def take_in(self) -> float:
        """The seconds until all that is stored can be found, the graph included."""
        started = time.perf_counter()
        self.index.mark_stale()
        self.run(self.index.open(lambda _loading: None))
        return time.perf_counter() - started

    def cpu_seconds(self) -> float:
        return cpu_of_tree(self._server.pid)

    def disk_mib(self) -> float:
        """What the index takes beside the documents."""
        tables = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relname ~ '^knowledge_'"
        name = self.url.rpartition("/")[2]
        everything = self._server.run_sql(tables, database=name)
        given = self._server.run_sql(f"{tables} AND relname IN ('knowledge_document', 'knowledge_chunk', 'knowledge_mark')", database=name)
        return (float(everything) - float(given)) / 2**20

    def close(self) -> None:
        self.run(self.index.close())
        self.run(self.database.close())
        self._runner.close()


def run(data: Path, sizes: Sequence[int] = SIZES) -> bool:
    embedder = Embedder()
    texts, vectors = embedded(data, cache=CACHE, embedder=embedder)
    seeds = plant(texts, vectors)
    rows = [_measured(size, data, seeds, texts, embedder) for size in sizes]
    heads = (
        "chunks",
        "memory p50",
        "p50 ms",
        "ratio",
        "p99 ms",
        "CPU: ours",
        "PostgreSQL's",
        "recall@10",
        "disk MiB",
        "taken in/s",
        "later/s",
    )
    names = ("chunks", "memory_p50_ms", "p50_ms", "ratio", "p99_ms", "cpu_ms", "postgresql_cpu_ms", "recall", "disk_mib", "built", "added")
    show("search inside PostgreSQL: from the read question to its candidates", heads, [tuple(row[name] for name in names) for row in rows])
    held = all(row["p50_ms"] <= MOST_MEDIAN_MS and row["recall"] >= LEAST_RECALL for row in rows)
    print(f"  median ≤ {MOST_MEDIAN_MS:.0f} ms, recall@10 ≥ {LEAST_RECALL}: {verdict(held)}")
    keep("search_postgresql", {"sizes": rows, "held": held})
    return held


def _measured(size: int, data: Path, seeds: Seeds, texts: Sequence[str], embedder: Embedder) -> dict[str, Any]:
    folder = CACHE / f"{size}"
    index: Index = (in_small_index(seeds, size) if size <= EXACT_ROWS else in_large_index(seeds, size, folder))[0]
    reader = QueryReader(embedder, remembered=1, weights=Weights())
    vocabulary = Vocabulary(index, PUBLIC, now=NOW)
    questions = [reader.read(question.text, question.earlier, frequencies=vocabulary) for question in read_questions(data)]
    with contextlib.closing(Finder(threads=min(4, os.cpu_count() or 1))) as finder:

        def in_memory(query: Query) -> Candidates:
            return finder.candidates(index, query, audience=PUBLIC, now=NOW, share=dense_share(query, Weights()), limit=LIMIT)

        with (
            contextlib.closing(start_durable_postgres("-c", "shared_buffers=128MB")) as server,
            contextlib.closing(_Engine(server)) as engine,
        ):
            # In the portions that the index in memory was made of: the same rows.
            for portion in grow(seeds, chunks=size, portion=MOST_ROWS):
                engine.run(_store(engine.url, portion, texts))
            built = engine.take_in()
            disk = engine.disk_mib()
            for query in questions[:: len(questions) // 20]:
                engine.search(query)
                in_memory(query)
            ours, theirs = time.process_time(), engine.cpu_seconds()
            alone = [timed(engine.search, query) for query in questions]
            ours, theirs = time.process_time() - ours, engine.cpu_seconds() - theirs
            beside = [timed(in_memory, query) for query in questions]
            recall = recall_of(index, engine.search, questions[:: max(1, len(questions) // COMPARED)], folder)
            engine.run(_store(engine.url, grow_portion(seeds, made_words(), first=size * 2 + 1, size=_ADDED), texts))
            added = engine.take_in()
    return {
        "chunks": size,
        "memory_p50_ms": round(median(beside) * 1000, 1),
        "p50_ms": round(median(alone) * 1000, 1),
        "ratio": round(median(alone) / median(beside), 1),
        "p99_ms": round(percentile(alone, 0.99) * 1000, 1),
        "cpu_ms": round(ours * 1000 / len(questions), 1),
        "postgresql_cpu_ms": round(theirs * 1000 / len(questions), 1),
        "recall": round(recall, 3),
        "disk_mib": round(disk),
        "built": round(size / built),
        "added": round(_ADDED / added),
    }


async def _store(url: str, rows: Sequence[ChunkRow], texts: Sequence[str]) -> None:
    """Put rows into the knowledge base as an ingest would: each few documents under its next version."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            version = await connection.fetchval("SELECT version FROM knowledge_state")
            if version is None:
                version = 0
                await connection.execute("INSERT INTO knowledge_state (id, version) VALUES (1, 0)")
            tiers = {str(row.document_id): row.tier for row in rows}
            stored = [
                _document(name, tier, version=version + 1 + number // _DOCUMENTS_OF_A_VERSION)
                for number, (name, tier) in enumerate(tiers.items())
            ]
            await connection.execute("UPDATE knowledge_state SET version = $1", stored[-1]["version"])
            await _copy(connection, "knowledge_document", stored)
            await _copy(connection, "knowledge_chunk", [_chunk(row, texts[row.chunk_id % len(texts)]) for row in rows])
        await connection.execute("VACUUM ANALYZE knowledge_document, knowledge_chunk")
    finally:
        await connection.close()


def _document(name: str, tier: Tier, *, version: int) -> dict[str, Any]:
    names = dict.fromkeys(("id", "origin", "source", "title"), name)
    kept = {"content_type": "text/plain", "tier": tier.value, "metadata": "{}", "content_hash": "0" * 64, "recipe": "bench"}
    return {**names, **kept, "version": version, "characters": 0, "chunk_count": 4, "created_at": 1.0, "updated_at": 1.0}


def _chunk(row: ChunkRow, text: str) -> dict[str, Any]:
    place = {"id": row.chunk_id, "document_id": row.document_id, "position": row.chunk_id}
    return {**place, "text": text, "vector": row.vector, "terms": row.terms}


async def _copy(connection: asyncpg.Connection, table: str, rows: Sequence[dict[str, Any]]) -> None:
    await connection.copy_records_to_table(table, columns=list(rows[0]), records=[tuple(row.values()) for row in rows])
