"""How near single lines of a document are to a question: a passage may be about the right thing, and only one line of it answers.

Invariant: the vector of a line is computed once while it is remembered. The memory is bounded; the least used goes first.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deskhand.glossary import reworded
from deskhand.knowledge.embedding import Embedder
from deskhand.words import stem, words

# What each turn back counts, as in the search; and of how many.
_EARLIER = 0.4
_MOST_EARLIER = 2
# A line says what it is about at its beginning; the rest costs time in proportion.
_LINE_CHARACTERS = 140
# 0.8 KiB each.
_REMEMBERED = 10_000


class LineReader:
    """Safe to use from several tasks and threads."""

    def __init__(self, embedder: Embedder, *, remembered: int = _REMEMBERED) -> None:
        self._embedder = embedder
        self._remembered = remembered
        self._lock = threading.Lock()
        self._vectors: OrderedDict[str, NDArray[np.float16]] = OrderedDict()

    async def compare(self, question: str, earlier: Sequence[str], lines: Sequence[str]) -> list[float]:
        """How near each line is to the question, in [-1, 1]: their cosine, as far as the model knows the question's language.

        A word that stands in no line counts as one of its meanings that does, as in the search.
        `earlier` are the customer's messages before, oldest first.

        Raises:
            KnowledgeUnavailable: the embedding model is missing or broken.
        """
        return await asyncio.to_thread(self._compare, question, earlier, lines)

    def _compare(self, question: str, earlier: Sequence[str], lines: Sequence[str]) -> list[float]:
        if not lines:
            return []
        said = {stem(word) for word in words("\n".join(lines))}
        question = reworded(question, is_used=lambda word: stem(word) in said, is_english=self._embedder.knows_word)
        before = list(reversed(earlier[-_MOST_EARLIER:]))
        vectors = self._embed([text[:_LINE_CHARACTERS] for text in [question, *before, *lines]])
        asked = sum(_EARLIER**back * vectors[back] for back in range(len(before) + 1))
        near = self._embedder.familiarity(question) * (vectors[len(before) + 1 :] @ (asked / np.linalg.norm(asked)))
        return [float(each) for each in near]

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        with self._lock:
            known = {text: self._vectors[text] for text in texts if text in self._vectors}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known |= dict(zip(new, self._embedder.embed(new).astype(np.float16), strict=True))
        with self._lock:
            for text in texts:
                self._vectors[text] = known[text]
                self._vectors.move_to_end(text)
            while len(self._vectors) > self._remembered:
                self._vectors.popitem(last=False)
        return np.stack([known[text] for text in texts]).astype(np.float32)
