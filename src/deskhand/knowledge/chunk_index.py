"""Where a search finds its candidates, wherever that is kept."""

from collections.abc import Callable
from typing import Protocol

from deskhand.knowledge.audience import Audience
from deskhand.knowledge.candidates import Candidates, Query
from deskhand.knowledge.loading import TellLoading
from deskhand.knowledge.ranking import Nearest, Weights
from deskhand.knowledge.spelling import Frequencies

# From how many chunks have each term to the question, ready to be compared. Blocks.
Reading = Callable[[Frequencies], Query]


class ChunkIndex(Protocol):
    """Every chunk of the knowledge base. All raise DatabaseUnavailable when the database could not be asked.

    A search sees every write of this process that was committed before it began.
    """

    async def set_up(self) -> None:
        """Make what is needed, once before all else. Raises ConfigurationError: it cannot be had; the message says what to do."""

    async def open(self, tell: TellLoading) -> None:
        """Take in what is there, so that the first search need not; `tell` is called as often as there is something new to say."""

    async def close(self) -> None:
        """End what runs beside the searches."""

    def mark_stale(self) -> None:
        """The next asker looks at the database, however recently the last one did."""

    async def frequencies(self, audience: Audience) -> Frequencies:
        """How many chunks that `audience` may see have each term."""

    async def candidates(self, query: Query, *, audience: Audience, share: float, limit: int) -> Candidates:
        """The chunks among which the `limit` best are by `share` of the cosine and the rest of BM25, or by anything near it."""

    async def nearest(self, read: Reading, *, audience: Audience, weights: Weights, limit: int) -> Nearest:
        """The `limit` chunks that answer a question best, of those that `audience` may see.

        Raises KnowledgeUnavailable as well: the question could not be read.
        """
