"""The SQL of vectors that are compared with each other, few at a time."""

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from deskhand.knowledge.audience import Audience, visible_to
from deskhand.knowledge.embedding import DIMENSIONS, Vectors
from deskhand.knowledge.repository import MOST_PARAMETERS
from deskhand.knowledge.tables import chunks, documents


def find_vectors(connection: sa.Connection, chunk_ids: Sequence[int], audience: Audience) -> Vectors:
    """The vectors of chunks, [len(chunk_ids), 384]; zeros for one that is no more or that `audience` may not see."""
    found: dict[int, bytes] = {}
    for start in range(0, len(chunk_ids), MOST_PARAMETERS):
        query = sa.select(chunks.c.id, chunks.c.vector).join(documents, documents.c.id == chunks.c.document_id)
        some = chunk_ids[start : start + MOST_PARAMETERS]
        found |= {row.id: row.vector for row in connection.execute(query.where(chunks.c.id.in_(some), visible_to(audience)))}
    none = bytes(4 * DIMENSIONS)
    return np.frombuffer(b"".join(found.get(chunk_id, none) for chunk_id in chunk_ids), "<f4").reshape(len(chunk_ids), DIMENSIONS)
