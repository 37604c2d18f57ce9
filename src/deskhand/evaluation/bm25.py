"""The baseline: plain BM25 over stretches of words, to see what a search engine of no ambition makes of the same questions.

Robertson and Zaragoza, 2009, with k1 1.2 and b 0.75; stretches of 120 words that share 30; a document scores as its best stretch.
Scripts without spaces are cut into pairs of characters.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from deskhand.words import STOP_WORDS, stem

_K1 = 1.2
_B = 0.75
_WORDS = 120
_OVERLAP = 30
_TOKEN = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+|\\w+")
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


class Bm25:
    """`texts` by key."""

    def __init__(self, texts: Mapping[str, str], *, language: str = "en") -> None:
        self._language = language
        self._keys: list[str] = []
        self._lengths: list[int] = []
        self._postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for key, text in texts.items():
            for stretch in _stretches(self._terms(text)):
                for term, count in Counter(stretch).items():
                    self._postings[term].append((len(self._keys), count))
                self._keys.append(key)
                self._lengths.append(len(stretch))
        self._mean = sum(self._lengths) / len(self._lengths) if self._lengths else 1.0

    def ranked(self, question: str) -> list[str]:
        """The keys of documents that share a word with the question, best first."""
        scores: dict[int, float] = defaultdict(float)
        for term, wanted in Counter(self._terms(question)).items():
            postings = self._postings.get(term, ())
            weight = wanted * math.log(1 + (len(self._keys) - len(postings) + 0.5) / (len(postings) + 0.5))
            for at, count in postings:
                scores[at] += weight * count * (_K1 + 1) / (count + _K1 * (1 - _B + _B * self._lengths[at] / self._mean))
        best: dict[str, float] = {}
        for at, score in scores.items():
            best[self._keys[at]] = max(score, best.get(self._keys[at], 0.0))
        return sorted(best, key=lambda key: -best[key])

    def _terms(self, text: str) -> list[str]:
        found: list[str] = []
        for token in _TOKEN.findall(text.lower()):
            if _UNSPACED.match(token):
                found += [token[at : at + 2] for at in range(max(1, len(token) - 1))]
            elif token not in STOP_WORDS:
                found.append(stem(token, self._language))
        return found


def _stretches(words: list[str]) -> Iterable[list[str]]:
    step = _WORDS - _OVERLAP
    return (words[start : start + _WORDS] for start in range(0, max(1, len(words) - _OVERLAP), step))
