"""Knowledge bases of any size for the search benchmark, made from real ones: a million chunks without embedding a million texts.

The seeds are real chunks and real customers' sentences with their real vectors. A made chunk takes sentences from a seed and from one of
the seed's neighbours, and words of a made-up vocabulary whose frequencies follow Zipf's law, as the vocabulary of a real knowledge base
grows with it. Its vector is the same mixture of the two vectors, plus noise with the covariance of the real ones. With `JITTER`, the first,
tenth and fiftieth neighbour of a chunk among 5,000 made ones have cosines of .73, .59 and .48; for the real chunks of the corpora these
are .83, .63 and .49.

Invariant: the same seeds, number and size of portions give the same chunks.
"""

import csv
import functools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge import chunking
from deskhand.knowledge.analysis import Counts, Hashes, analyse, pack
from deskhand.knowledge.documents import DocumentId, Tier
from deskhand.knowledge.embedding import Embedder
from deskhand.knowledge.segment import ChunkRow
from deskhand.parsing.text import ParsedDocument, Part

JITTER = 0.55
PORTION = 20_000
_SENTENCE = re.compile(r"(?<=[.!?。])\s+|\n+")
_LETTERS = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
_VOCABULARY = 400_000
_MADE_WORDS = 14
_NEIGHBOURS = 40
_MOST_SENTENCES = 4_000

Vectors = NDArray[np.float32]
Terms = tuple[Hashes, Counts]


@dataclass(frozen=True, slots=True)
class Question:
    """`earlier` are the customer's turns before it, oldest first."""

    text: str
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seeds:
    """Real texts, each as the terms of its sentences, with their vectors and, for each, its nearest others."""

    sentences: Sequence[Sequence[Terms]]
    vectors: Vectors
    nearest: NDArray[np.int64]
    spread: Vectors


def read_texts(data: Path) -> list[str]:
    """Every chunk of the corpora in `data`, as it is embedded, and customers' sentences as questions of an FAQ would be."""
    texts: list[str] = []
    for corpus in ("kb_tau_banking/corpus.jsonl", "rag_mtragun_cloud/corpus.jsonl"):
        for row in _lines(data / corpus):
            texts += _chunks(str(row.get("title") or ""), str(row["text"]))
    for language in ("de", "zh"):
        for article in json.loads((data / f"multilingual_xquad/xquad.{language}.json").read_text(encoding="utf-8"))["data"]:
            for paragraph in article["paragraphs"]:
                texts += _chunks(article["title"], paragraph["context"])
    with (data / "intents_banking77/train.csv").open(encoding="utf-8", newline="") as lines:
        texts += [row["text"] for row in csv.DictReader(lines)][::3][:_MOST_SENTENCES]
    return texts


def read_questions(data: Path) -> list[Question]:
    """Real questions, in turn: with earlier turns (cloud), short (banking), German, and long scenarios."""
    cloud = [
        Question(str(row["text"]), tuple(text for who, text in row["history"] if who == "user"))
        for row in _lines(data / "rag_mtragun_cloud/queries.jsonl")
    ]
    scenarios = [Question(str(row["text"])) for row in _lines(data / "kb_tau_banking/tasks_dev.jsonl")]
    with (data / "intents_banking77/test.csv").open(encoding="utf-8", newline="") as lines:
        short = [Question(row["text"]) for row in csv.DictReader(lines)][::20][:130]
    articles = json.loads((data / "multilingual_xquad/xquad.de.json").read_text(encoding="utf-8"))["data"]
    german = [Question(paragraph["qas"][0]["question"]) for article in articles for paragraph in article["paragraphs"]][:60]
    return [*cloud, *short, *german, *scenarios[:20]]


def plant(texts: Sequence[str], vectors: Vectors) -> Seeds:
    sentences = [[analyse(sentence) for sentence in _SENTENCE.split(text) if sentence.strip()] or [analyse(text)] for text in texts]
    near = vectors @ vectors.T
    np.fill_diagonal(near, -1.0)
    nearest = np.argpartition(-near, _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS]
    covariance = np.cov(vectors, rowvar=False)
    values, axes = np.linalg.eigh(covariance)
    spread = (axes * np.sqrt(np.maximum(values, 0))).T
    return Seeds(sentences, vectors, nearest, (spread / np.sqrt(values.sum())).astype(np.float32))


def grow(seeds: Seeds, *, chunks: int, portion: int = PORTION, chunks_each: int = 4) -> Iterator[list[ChunkRow]]:
    """`chunks` rows in portions, `chunks_each` of them to a document; one in twenty documents is for customers or operators alone."""
    words = made_words()
    for first in range(1, chunks + 1, portion):
        yield grow_portion(seeds, words, first=first, size=min(portion, chunks + 1 - first), chunks_each=chunks_each)


def grow_portion(seeds: Seeds, words: Sequence[Terms], *, first: int, size: int, chunks_each: int = 4) -> list[ChunkRow]:
    """The rows with the ids from `first`: the same whichever portions were made before."""
    rng = np.random.default_rng([1, first])
    bases = rng.integers(0, len(seeds.vectors), size)
    others = seeds.nearest[bases, rng.integers(0, seeds.nearest.shape[1], size)]
    shares = rng.uniform(0, 0.5, size).astype(np.float32)
    vectors = _mixed(seeds, bases, others, shares, rng)
    made = np.minimum(rng.zipf(1.25, (size, _MADE_WORDS)) - 1, _VOCABULARY - 1)
    return [
        _row(seeds, first + place, chunks_each, vectors[place], (bases[place], others[place], shares[place]), words, made[place], rng)
        for place in range(size)
    ]


@functools.cache
def made_words() -> Sequence[Terms]:
    """The made-up vocabulary, commonest first: the terms of each word."""
    rng = np.random.default_rng(1)
    letters = rng.choice(_LETTERS, (_VOCABULARY, 10), p=_letter_shares())
    lengths = rng.integers(4, 11, _VOCABULARY)
    return [analyse("".join(row[:length])) for row, length in zip(letters.tolist(), lengths.tolist(), strict=True)]


def embedded(data: Path, *, cache: Path, embedder: Embedder) -> tuple[list[str], Vectors]:
    """The texts of `data` and their vectors; those are kept in `cache`, because embedding takes minutes."""
    texts = read_texts(data)
    kept = cache / "search_seeds.npy"
    if kept.is_file():
        vectors: Vectors = np.load(kept)
        if len(vectors) == len(texts):
            return texts, vectors
    vectors = embedder.embed(texts)
    cache.mkdir(parents=True, exist_ok=True)
    np.save(kept, vectors)
    return texts, vectors


def _mixed(seeds: Seeds, bases: NDArray[np.int64], others: NDArray[np.int64], shares: Vectors, rng: np.random.Generator) -> Vectors:
    mixed = (1 - shares)[:, None] * seeds.vectors[bases] + shares[:, None] * seeds.vectors[others]
    mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
    mixed += JITTER * (rng.standard_normal(mixed.shape, dtype=np.float32) @ seeds.spread)
    mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
    return mixed


def _row(
    seeds: Seeds,
    chunk_id: int,
    chunks_each: int,
    vector: Vectors,
    parents: tuple[int, int, float],
    words: Sequence[Terms],
    made: NDArray[np.int64],
    rng: np.random.Generator,
) -> ChunkRow:
    base, other, share = parents
    own, borrowed = seeds.sentences[base], seeds.sentences[other]
    drawn = rng.random(len(own) + len(borrowed))
    parts = [part for part, chance in zip(own, drawn, strict=False) if chance >= share]
    parts += [part for part, chance in zip(borrowed, drawn[len(own) :], strict=True) if chance < share]
    parts += [words[word] for word in made.tolist()]
    hashes, places = np.unique(np.concatenate([terms for terms, _ in parts]), return_inverse=True)
    counts = np.bincount(places, np.concatenate([counts for _, counts in parts]))
    document = (chunk_id - 1) // chunks_each
    tier = (Tier.CUSTOMERS if document % 40 else Tier.OPERATORS) if document % 20 == 0 else Tier.PUBLIC
    return ChunkRow(
        chunk_id=chunk_id,
        document_id=DocumentId(f"doc_{document:032x}"),
        tier=tier,
        session_id=None,
        vector=vector.astype("<f4").tobytes(),
        terms=pack(hashes, np.minimum(counts, 255).astype(np.uint8)),
    )


def _letter_shares() -> NDArray[np.float64]:
    shares = 1.0 / np.arange(4, 4 + len(_LETTERS))
    return np.asarray(shares / shares.sum())


def _chunks(title: str, text: str) -> list[str]:
    pieces = chunking.split(ParsedDocument(title or "Untitled", (Part(text),)), size=chunking.ChunkSize())
    return [chunking.indexed_text(piece, title=title) for piece in pieces]


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
