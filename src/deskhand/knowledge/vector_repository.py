"""The SQL of vectors that are compared with each other, few at a time."""

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from deskhand.knowledge.embedding import DIMENSIONS, Vectors
from deskhand.knowledge.repository import MOST_PARAMETERS
from deskhand.knowledge.tables import chunks


def find_vectors(connection: sa.Connection, chunk_ids: Sequence[int]) -> Vectors:
    """The vectors of chunks, [len(chunk_ids), 384]; zeros for one that is no more."""
    found: dict[int, bytes] = {}
    for start in range(0, len(chunk_ids), MOST_PARAMETERS):
        query = sa.select(chunks.c.id, chunks.c.vector).where(chunks.c.id.in_(chunk_ids[start : start + MOST_PARAMETERS]))
        found.update((chunk_id, vector) for chunk_id, vector in connection.execute(query))
    none = bytes(4 * DIMENSIONS)
    return np.frombuffer(b"".join(found.get(chunk_id, none) for chunk_id in chunk_ids), "<f4").reshape(len(chunk_ids), DIMENSIONS)
