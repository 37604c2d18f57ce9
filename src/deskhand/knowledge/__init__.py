"""What Deskhand knows: documents in, passages out, each with where it comes from and only for those who may see it."""

from deskhand.knowledge.audience import Audience
from deskhand.knowledge.chunking import ChunkSize
from deskhand.knowledge.documents import (
    DocumentId,
    ParsedDocument,
    Part,
    Passage,
    SourceDocument,
    StoredDocument,
    Tier,
    UnchangedSource,
    UnreadableSource,
    document_id,
)
from deskhand.knowledge.embedding import Embedder
from deskhand.knowledge.errors import DocumentNotFound, KnowledgeUnavailable, UnreadableDocument
from deskhand.knowledge.ingest import Failure, IngestReport, Progress
from deskhand.knowledge.parse import MAX_BYTES, SUPPORTED_SUFFIXES, read_text
from deskhand.knowledge.ranking import Weights
from deskhand.knowledge.samples import sample_documents
from deskhand.knowledge.service import KnowledgeOptions, KnowledgeService
from deskhand.knowledge.sources import FileSources, documents_in

__all__ = [
    "MAX_BYTES",
    "SUPPORTED_SUFFIXES",
    "Audience",
    "ChunkSize",
    "DocumentId",
    "DocumentNotFound",
    "Embedder",
    "Failure",
    "FileSources",
    "IngestReport",
    "KnowledgeOptions",
    "KnowledgeService",
    "KnowledgeUnavailable",
    "ParsedDocument",
    "Part",
    "Passage",
    "Progress",
    "SourceDocument",
    "StoredDocument",
    "Tier",
    "UnchangedSource",
    "UnreadableDocument",
    "UnreadableSource",
    "Weights",
    "document_id",
    "documents_in",
    "read_text",
    "sample_documents",
]
