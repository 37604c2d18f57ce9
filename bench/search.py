"""Search in the embedded store, from ten thousand chunks to a million, against exact search by the same score.

The chunks are those of `search_data`; they and their index are kept in build/bench/search, because a million take minutes. What is timed
is a search as the server does it, from the read question to its candidates with all evidence; embedding the question and fetching the
passages cost the same at any size. The floor is what comparing the vectors alone takes: all components of all of them where an index does
that, and above that the signs.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from bench.report import FOLDER, keep, median, percentile, show, verdict
from bench.search_data import Seeds, Terms, embedded, grow, grow_portion, made_words, plant, read_questions
from deskhand.knowledge.audience import Audience
from deskhand.knowledge.candidates import Candidates, Finder, Query
from deskhand.knowledge.embedding import DIMENSIONS, Embedder
from deskhand.knowledge.estimating import FIRST_WORDS, differing
from deskhand.knowledge.index import EXACT_ROWS, Index, Vocabulary
from deskhand.knowledge.matching import bm25
from deskhand.knowledge.querying import QueryReader
from deskhand.knowledge.ranking import Weights, dense_share
from deskhand.knowledge.segment import ChunkRow, Segment
from deskhand.knowledge.shard import MOST_ROWS, Shard, signs_of
from deskhand.knowledge.shard_files import ShardFolder
from deskhand.knowledge.views import Part, matches

SIZES = (10_000, 20_000, 100_000)
MOST_MEDIAN_MS, MOST_P99_MS, LEAST_RECALL = 25.0, 50.0, 0.95
LIMIT = 40
_JUDGED = 10
COMPARED = 100
_FLOOR_ROUNDS = 15
CACHE = FOLDER / "search"
PUBLIC = Audience.public()
NOW = 1.0


def run(data: Path, sizes: Sequence[int] = SIZES) -> bool:
    embedder = Embedder()
    texts, vectors = embedded(data, cache=CACHE, embedder=embedder)
    seeds = plant(texts, vectors)
    rows = [_measured(size, data, seeds, embedder) for size in sizes]
    heads = (
        "chunks",
        "floor ms",
        "CPU ms",
        "p50 ms",
        "p99 ms",
        "4 at once: p50",
        "p99",
        "recall@10",
        "RSS MiB",
        "disk MiB",
        "built s",
        "opened s",
        "added ms",
    )
    show("search: from the read question to its candidates", heads, [tuple(row.values()) for row in rows])
    held = all(row["p50_ms"] <= MOST_MEDIAN_MS and row["p99_ms"] <= MOST_P99_MS and row["recall"] >= LEAST_RECALL for row in rows)
    print(f"  median ≤ {MOST_MEDIAN_MS:.0f} ms, p99 ≤ {MOST_P99_MS:.0f} ms, recall@10 ≥ {LEAST_RECALL}: {verdict(held)}")
    keep("search", {"sizes": rows, "held": held})
    return held


def _measured(size: int, data: Path, seeds: Seeds, embedder: Embedder) -> dict[str, Any]:
    before = psutil.Process().memory_info().rss
    folder = CACHE / f"{size}"
    index, built, opened = in_small_index(seeds, size) if size <= EXACT_ROWS else in_large_index(seeds, size, folder)
    reader = QueryReader(embedder, remembered=1, weights=Weights())
    vocabulary = Vocabulary(index, PUBLIC, now=NOW)
    questions = [reader.read(question.text, question.earlier, frequencies=vocabulary) for question in read_questions(data)]
    finder = Finder(threads=min(4, os.cpu_count() or 1))
    search = partial(_search, finder, index)
    for query in questions[:: len(questions) // 20]:
        search(query)
    floor = median([_compared(index, query) for query in questions[:_FLOOR_ROUNDS]])
    cpu_started = time.process_time()
    alone = [timed(search, query) for query in questions]
    cpu = (time.process_time() - cpu_started) / len(questions)
    with ThreadPoolExecutor(4) as askers:
        crowded = list(askers.map(partial(timed, search), questions))
    resident = psutil.Process().memory_info().rss - before
    words = made_words()
    new = [grow_portion(seeds, words, first=size + number * 4 + 1, size=4) for number in range(1, 10)]
    added = median([_update(finder, index, questions[0], rows) for rows in new])
    recall = recall_of(index, search, questions[:: max(1, len(questions) // COMPARED)], folder)
    finder.close()
    return {
        "chunks": size,
        "floor_ms": round(floor * 1000, 1),
        "cpu_ms": round(cpu * 1000, 1),
        "p50_ms": round(median(alone) * 1000, 1),
        "p99_ms": round(percentile(alone, 0.99) * 1000, 1),
        "crowded_p50_ms": round(median(crowded) * 1000, 1),
        "crowded_p99_ms": round(percentile(crowded, 0.99) * 1000, 1),
        "recall": round(recall, 3),
        "rss_mib": round(resident / 2**20),
        "disk_mib": round(sum(file.stat().st_size for file in folder.glob("*.shard")) / 2**20),
        "built_seconds": round(built, 1),
        "opened_seconds": round(opened, 2),
        "added_ms": round(added * 1000, 1),
    }


def _compared(index: Index, query: Query) -> float:
    """CPU seconds of comparing one vector with all, by what the index has of them."""
    vector = query.vectors[:1]
    started = time.process_time()
    for part in index.parts:
        if isinstance(part, Shard):
            for first in (0, FIRST_WORDS):
                differing(part.signs[first : first + FIRST_WORDS], signs_of(vector)[first : first + FIRST_WORDS, 0])
        else:
            np.einsum("ij,j->i", part.vectors, vector[0])
    return time.process_time() - started


def in_small_index(seeds: Seeds, size: int) -> tuple[Index, float, float]:
    rows = [row for portion in grow(seeds, chunks=size) for row in portion]
    started = time.perf_counter()
    index = Index().updated(version=1, rows=rows, gone=())
    return index, time.perf_counter() - started, 0.0


def in_large_index(seeds: Seeds, size: int, folder: Path) -> tuple[Index, float, float]:
    """The index, and the seconds that indexing took, one shard after the other, and that opening its files takes."""
    times = folder / "times.json"
    if not times.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        firsts = range(1, size + 1, MOST_ROWS)
        # Few side by side: each takes a gigabyte.
        with get_context("fork").Pool(min(3, len(firsts))) as pool:
            made = pool.map(partial(_make, seeds, made_words(), folder, size), firsts, chunksize=1)
        times.write_text(json.dumps(made), encoding="utf-8")
    started = time.perf_counter()
    shards = ShardFolder(folder).load()
    index = Index().with_parts([(shard, np.ones(len(shard), np.bool_)) for shard in shards], version=1)
    return index, float(sum(json.loads(times.read_text(encoding="utf-8")))), time.perf_counter() - started


def _make(seeds: Seeds, words: Sequence[Terms], folder: Path, size: int, first: int) -> float:
    rows = grow_portion(seeds, words, first=first, size=min(MOST_ROWS, size + 1 - first))
    np.save(folder / f"vectors-{first}.npy", np.frombuffer(b"".join(row.vector for row in rows), "<f4").reshape(-1, DIMENSIONS))
    started = time.perf_counter()
    ShardFolder(folder).keep(Shard.of(Segment.of(rows)))
    return time.perf_counter() - started


def _search(finder: Finder, index: Index, query: Query) -> Candidates:
    return finder.candidates(index, query, audience=PUBLIC, now=NOW, share=dense_share(query, Weights()), limit=LIMIT)


def timed(search: Callable[[Query], Candidates], query: Query) -> float:
    started = time.perf_counter()
    search(query)
    return time.perf_counter() - started


def _update(finder: Finder, index: Index, query: Query, rows: Sequence[ChunkRow]) -> float:
    """Seconds from a new document of four chunks to the end of a search that looked through it."""
    started = time.perf_counter()
    _search(finder, index.updated(version=2, rows=rows, gone=()), query)
    return time.perf_counter() - started


def recall_of(index: Index, search: Callable[[Query], Candidates], questions: Sequence[Query], folder: Path) -> float:
    """The share of the ten best by the exact score that are among the ten best of what was found."""
    shares = []
    for query in questions:
        found, share = search(query), dense_share(query, Weights())
        fused = share * found.cosines + (1 - share) * found.words / (found.best_words or 1.0)
        best = found.chunk_ids[np.argsort(-fused, kind="stable")[:_JUDGED]]
        ids, exact = _exact(index, query, share, folder)
        wanted = ids[np.argpartition(-exact, _JUDGED)[:_JUDGED]]
        shares.append(len(np.intersect1d(best, wanted)) / _JUDGED)
    return float(np.mean(shares))


def _exact(index: Index, query: Query, share: float, folder: Path) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Every chunk with the score that its whole vector and all terms of the query give it."""
    views = index.views(PUBLIC, now=NOW)
    seen = sum(view.count for view in views)
    found = [matches(view.part, query.hashes) for view in views]
    frequency = np.sum([view.frequencies(each, terms=len(query.hashes)) for view, each in zip(views, found, strict=True)], axis=0)
    gains = np.log1p((seen - frequency + 0.5) / (frequency + 0.5)) * query.weights
    average = sum(view.length for view in views) / seen
    words = np.concatenate([bm25(view.part, each, gains, average=average) * view.mask for view, each in zip(views, found, strict=True)])
    near = np.concatenate([_cosines(view.part, query, folder) for view in views])
    hidden = np.concatenate([~view.mask for view in views])
    scores = share * near + (1 - share) * words / (float(words.max()) or 1.0) - hidden
    return np.concatenate([view.part.columns.chunk_ids for view in views]), scores


def _cosines(part: Part, query: Query, folder: Path) -> NDArray[np.float32]:
    vectors = part.vectors if isinstance(part, Segment) else np.load(folder / f"vectors-{part.columns.chunk_ids[0]}.npy", mmap_mode="r")
    pieces = np.clip(vectors @ query.vectors.T, 0, 1)
    joined: NDArray[np.float32] = pieces[:, 0] if pieces.shape[1] == 1 else np.cbrt(np.power(pieces, 3).mean(axis=1))
    return joined


if __name__ == "__main__":
    raise SystemExit(0 if run(Path("../shared/data"), [int(size) for size in sys.argv[1:]] or SIZES) else 1)
