"""Searching inside PostgreSQL: vectors by pgvector, words by an inverted index over the same terms as in memory.

Invariant: the tables here follow `knowledge_chunk` and hold nothing that is not in it. They can be dropped at any time; the next start
makes them anew.
"""

from deskhand.knowledge.pgvector.index import PostgresqlIndex
from deskhand.knowledge.pgvector.schema import check_pgvector

__all__ = ["PostgresqlIndex", "check_pgvector"]
