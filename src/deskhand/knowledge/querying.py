"""A question into what can be compared: vectors, terms, and how well the model knows its language.

Invariant: the vectors of a text are computed once while they are remembered. The memory is bounded; the least used goes first.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from semantic_text_splitter import TextSplitter

from deskhand.glossary import reworded
from deskhand.knowledge.analysis import analyse, stem_terms
from deskhand.knowledge.candidates import Query
from deskhand.knowledge.embedding import Embedder
from deskhand.knowledge.ranking import Weights, weighted_terms
from deskhand.knowledge.spelling import Frequencies, corrected, hyphened
from deskhand.words import ASIDES, fold

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_MARKS = " \t\n.,:;!?\u00bf\u00a1-"
# A long question is embedded in pieces: one vector of many subjects is close to none of them, and the model reads no more than this.
_PIECE_CHARACTERS = 600
_MOST_PIECES = 16
_MOST_EARLIER = 4
_EARLIER_CHARACTERS = 2_000


class QueryReader:
    """Blocks for its computation: call it from a thread. Safe to use from several."""

    def __init__(self, embedder: Embedder, *, remembered: int, weights: Weights) -> None:
        self._embedder = embedder
        self._remembered = remembered
        self._weights = weights
        self._splitter = TextSplitter((_PIECE_CHARACTERS // 2, _PIECE_CHARACTERS))
        self._lock = threading.Lock()
        self._vectors: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    def read(self, text: str, earlier: Sequence[str], *, frequencies: Frequencies) -> Query:
        """The query for `text`, after the customer's `earlier` turns, oldest first; slips put right by the index's `frequencies`.

        Raises:
            KnowledgeUnavailable: the embedding model is missing or broken.
        """
        text, earlier = _encodable(text), [_encodable(turn) for turn in earlier]
        if len(text) <= _PIECE_CHARACTERS:
            text = hyphened(text, frequencies=frequencies)
            text = reworded(text, is_used=lambda word: bool(frequencies(stem_terms(word)).all()), is_english=self._embedder.knows_word)
            text = corrected(text, is_familiar=self._embedder.knows_word, frequencies=frequencies)
        pieces = [text] if len(text) <= _PIECE_CHARACTERS else self._splitter.chunks(text)[:_MOST_PIECES]
        before = _turns_before(earlier)
        decay = self._weights.earlier
        vectors = self._embed([*pieces, *before])
        context = np.zeros(vectors.shape[1], np.float32)
        for back, vector in enumerate(vectors[len(pieces) :], 1):
            context += decay**back * vector
        directed = vectors[: len(pieces)] + context
        directed /= np.linalg.norm(directed, axis=1, keepdims=True)
        hashes, weights = weighted_terms([analyse(telling(turn)) for turn in [text, *before]], decay=decay)
        return Query(vectors=directed, hashes=hashes, weights=weights, familiarity=self._embedder.familiarity(text))

    def list_unknown(self, text: str, earlier: Sequence[str]) -> list[str]:
        """What of a question and the turns before it would have to be embedded, as far as that is known before it is read."""
        whole = _encodable(text)
        texts = [*([whole] if len(whole) <= _PIECE_CHARACTERS else []), *_turns_before([_encodable(turn) for turn in earlier])]
        with self._lock:
            return [each for each in dict.fromkeys(texts) if each not in self._vectors]

    def list_known(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors of those of `texts` that are remembered."""
        with self._lock:
            return {text: self._vectors[text] for text in texts if text in self._vectors}

    def learn(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Remember vectors that were computed elsewhere."""
        with self._lock:
            self._vectors.update(vectors)

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        with self._lock:
            known = {text: self._vectors[text] for text in texts if text in self._vectors}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known |= dict(zip(new, self._embedder.embed(new), strict=True))
        with self._lock:
            for text in texts:
                self._vectors[text] = known[text]
                self._vectors.move_to_end(text)
            while len(self._vectors) > self._remembered:
                self._vectors.popitem(last=False)
        return np.stack([known[text] for text in texts])


def _turns_before(earlier: Sequence[str]) -> list[str]:
    """What of the turns before is embedded, the last one first."""
    return [turn[:_EARLIER_CHARACTERS] for turn in reversed(earlier[-_MOST_EARLIER:]) if turn.strip()]


def telling(text: str) -> str:
    """The words of a question that say what it is about; all of them if none does.

    "How do I" is rare among documents, which do not ask, so its rarity would count for more than what is asked.
    """
    kept = _WORD.sub(lambda match: "" if fold(match.group()) in ASIDES else match.group(), text)
    return kept if kept.strip(_MARKS) else text


def _encodable(text: str) -> str:
    """Half a character, which JSON can carry and UTF-8 cannot, becomes a question mark."""
    return text.encode("utf-8", "replace").decode()
