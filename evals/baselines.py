"""What a search has to beat, measured on the same questions: BM25 on words, MiniLM, and both fused by the weight that suits the set best.

As the README of the data has them: pieces of 120 words, each 30 into the next; a document scores as its best piece; BM25 with k1 = 1.2 and
b = 0.75 on stems without stop words, on characters and pairs of them where no spaces are written; `a · cosine + (1 − a) · BM25 / best BM25`
with the best `a`, which no search can know. The customer's two last turns before it follow the question.
"""

import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import numpy as np
import snowballstemmer
from numpy.typing import NDArray

from deskhand.knowledge import Embedder
from evals.base import CACHE
from evals.measures import ndcg
from evals.sets import JudgedSet, Question

Scores = NDArray[np.float32]

_WORDS, _STEP = 120, 90
_K1, _B = 1.2, 0.75
_EARLIER = 2
_WORD = re.compile(r"\b\w\w+\b")
_UNSPACED = frozenset({"zh", "th", "ja"})
_STEMMERS = {"ar": "arabic", "de": "german", "el": "greek", "en": "english", "es": "spanish"}
_STEMMERS |= {"hi": "hindi", "ro": "romanian", "ru": "russian", "tr": "turkish"}
_STOP_WORDS = frozenset(
    (
        *("a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not", "of", "on", "or"),
        *("such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was", "will", "with"),
    )
)


@dataclass(frozen=True, slots=True)
class Baselines:
    """nDCG@10 of each, in [0, 1]."""

    bm25: float
    minilm: float
    fused: float


def measure_baselines(judged: JudgedSet, questions: Sequence[Question], embedder: Embedder, *, with_earlier: bool) -> Baselines:
    """On the questions that have an answer."""
    owners, pieces = _pieces(judged)
    asked = [_asked(question, with_earlier=with_earlier) for question in questions]
    words = _bm25([_terms(piece, judged.name) for piece in pieces], [_terms(text, judged.name) for text in asked])
    alike = _embedded(asked, embedder, judged.name) @ _embedded(pieces, embedder, judged.name).T
    share = words / np.maximum(words.max(axis=1, keepdims=True), 1e-9)

    def score(scores: Scores) -> float:
        ranked = (_documents(row, owners) for row in scores)
        return fmean(ndcg(keys, question.relevant, at=10) for keys, question in zip(ranked, questions, strict=True))

    fused = max(score(weight * alike + (1 - weight) * share) for weight in np.arange(0.1, 1.0, 0.1, dtype=np.float32))
    return Baselines(score(words), score(alike), fused)


def _pieces(judged: JudgedSet) -> tuple[list[str], list[str]]:
    """The document of each piece, and the piece."""
    owners: list[str] = []
    pieces: list[str] = []
    for key, document in judged.documents.items():
        text = document.data.decode()
        title = (document.title or "").rstrip("\u2026 ")
        split = (text if text.lstrip("#>-*| \n").startswith(title) else f"{title} {text}").split()
        for start in range(0, max(1, len(split) - (_WORDS - _STEP)), _STEP):
            owners.append(key)
            pieces.append(" ".join(split[start : start + _WORDS]))
    return owners, pieces


def _asked(question: Question, *, with_earlier: bool) -> str:
    return " ".join([question.text, *reversed(question.earlier[-_EARLIER:])]) if with_earlier else question.text


def _terms(text: str, name: str) -> Mapping[str, int]:
    language = name.removeprefix("xquad_") if name.startswith("xquad_") else "en"
    if language in _UNSPACED:
        characters = "".join(text.lower().split())
        return Counter([*characters, *map("".join, pairwise(characters))])
    found = [word for word in _WORD.findall(text.lower()) if language != "en" or word not in _STOP_WORDS]
    if language in _STEMMERS:
        found = snowballstemmer.stemmer(_STEMMERS[language]).stemWords(found)
    return Counter(found)


def _bm25(pieces: Sequence[Mapping[str, int]], asked: Sequence[Mapping[str, int]]) -> Scores:
    lengths = np.array([sum(terms.values()) for terms in pieces], np.float32)
    norms = _K1 * (1 - _B + _B * lengths / max(float(lengths.mean()), 1.0))
    postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for place, terms in enumerate(pieces):
        for term, count in terms.items():
            postings[term].append((place, count))
    scores = np.zeros((len(asked), len(pieces)), np.float32)
    for row, terms in enumerate(asked):
        for term, weight in terms.items():
            if term in postings:
                found = np.array(postings[term])
                rarity = math.log1p((len(pieces) - len(found) + 0.5) / (len(found) + 0.5))
                scores[row, found[:, 0]] += weight * rarity * found[:, 1] * (_K1 + 1) / (found[:, 1] + norms[found[:, 0]])
    return scores


def _embedded(texts: Sequence[str], embedder: Embedder, name: str) -> Scores:
    """Kept, because this is what takes long."""
    digest = hashlib.blake2b("\0".join([embedder.recipe(), *texts]).encode(), digest_size=8).hexdigest()
    kept: Path = CACHE / f"baseline-{name}-{digest}.npy"
    if not kept.is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        np.save(kept, embedder.embed(texts))
    vectors: Scores = np.load(kept)
    return vectors


def _documents(scores: Scores, owners: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(owners[place] for place in np.argsort(-scores, kind="stable")))
