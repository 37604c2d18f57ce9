"""The real embedding model, which a test does not ask again for what another has asked."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge import Embedder
from deskhand.knowledge.embedding import DIMENSIONS

Vectors = NDArray[np.float32]


class RememberingEmbedder(Embedder):
    """Most tests begin with the same documents, and making their vectors is most of what such a test costs."""

    def __init__(self, *, threads: int) -> None:
        super().__init__(threads=threads)
        self._known: dict[str, Vectors] = {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known |= dict(zip(new, super().embed(new), strict=True))
        return np.array([self._known[text] for text in texts], np.float32).reshape(len(texts), DIMENSIONS)
