"""A knowledge base filled with a judged set, asked as the server asks it.

Kept under `.cache/evals`: ingesting is idempotent, so a second run embeds nothing, and a change of the chunks embeds all of it again. So
does a change of the tables, whose digest is part of the file's name.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deskhand.knowledge import Audience, Embedder, KnowledgeOptions, KnowledgeService, Passage
from deskhand.persistence import Database, metadata
from evals.sets import JudgedSet, Question

CACHE = Path(".cache/evals")
_PASSAGES = 60


@asynccontextmanager
async def filled(judged: JudgedSet, options: KnowledgeOptions) -> AsyncIterator[KnowledgeService]:
    database = await Database.open(_address(judged))
    try:
        await database.write(lambda transaction: metadata.create_all(transaction.connection))
        knowledge = KnowledgeService(database, Embedder(), options)
        report = await knowledge.ingest(judged.documents.values(), sync_scope=None)
        if report.failed:
            raise RuntimeError(f"{judged.name}: {report.failed[0]}")
        yield knowledge
        await knowledge.close()
    finally:
        await database.close()


def _address(judged: JudgedSet) -> str:
    CACHE.mkdir(parents=True, exist_ok=True)
    ours = [table for table in metadata.tables.values() if table.name.startswith("knowledge")]
    columns = sorted(f"{table.name}.{column.name} {column.type!r}" for table in ours for column in table.columns)
    tables = hashlib.blake2b("\n".join(columns).encode(), digest_size=4).hexdigest()
    return f"sqlite:///{(CACHE / f'{judged.name}-{tables}.db').resolve()}"


async def ask(knowledge: KnowledgeService, question: Question, *, with_earlier: bool) -> list[Passage]:
    earlier = question.earlier if with_earlier else ()
    return await knowledge.search(question.text, limit=_PASSAGES, audience=Audience.public(), earlier=earlier)


def documents_of(passages: list[Passage]) -> list[str]:
    """The documents of passages in order, each once: it stands where its best chunk does."""
    return list(dict.fromkeys(passage.source for passage in passages))
