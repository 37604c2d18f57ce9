"""What Deskhand knows: documents in, passages out, each with where it comes from and only for those who may see it."""

from deskhand.knowledge.audience import Audience
from deskhand.knowledge.chunking import ChunkSize
from deskhand.knowledge.documents import (
    Action,
    DocumentId,
    DocumentState,
    ParsedDocument,
    Part,
    Passage,
    Quote,
    Revision,
    SourceDocument,
    StoredDocument,
    StoredPart,
    Tier,
    UnchangedSource,
    UnreadableSource,
    document_id,
)
from deskhand.knowledge.embedding import Embedder
from deskhand.knowledge.errors import DocumentChanged, DocumentNotFound, KnowledgeUnavailable, UnreadableDocument
from deskhand.knowledge.ingest import Along
from deskhand.knowledge.library import Library, Replacement
from deskhand.knowledge.library_repository import DocumentFilter
from deskhand.knowledge.likeness import LikenessKind
from deskhand.knowledge.likeness_check import Likeness, Side
from deskhand.knowledge.loading import Loading, LoadingStep
from deskhand.knowledge.parse import MAX_BYTES, SUPPORTED_SUFFIXES, Document, DocumentReader, ReaderOptions
from deskhand.knowledge.ranking import Weights
from deskhand.knowledge.reports import Failure, IngestReport, Progress, Scan
from deskhand.knowledge.samples import sample_documents
from deskhand.knowledge.screening import Suspicion
from deskhand.knowledge.service import KnowledgeOptions, KnowledgeService
from deskhand.knowledge.sources import FileSources, documents_in

__all__ = [
    "MAX_BYTES",
    "SUPPORTED_SUFFIXES",
    "Action",
    "Along",
    "Audience",
    "ChunkSize",
    "Document",
    "DocumentChanged",
    "DocumentFilter",
    "DocumentId",
    "DocumentNotFound",
    "DocumentReader",
    "DocumentState",
    "Embedder",
    "Failure",
    "FileSources",
    "IngestReport",
    "KnowledgeOptions",
    "KnowledgeService",
    "KnowledgeUnavailable",
    "Library",
    "Likeness",
    "LikenessKind",
    "Loading",
    "LoadingStep",
    "ParsedDocument",
    "Part",
    "Passage",
    "Progress",
    "Quote",
    "ReaderOptions",
    "Replacement",
    "Revision",
    "Scan",
    "Side",
    "SourceDocument",
    "StoredDocument",
    "StoredPart",
    "Suspicion",
    "Tier",
    "UnchangedSource",
    "UnreadableDocument",
    "UnreadableSource",
    "Weights",
    "document_id",
    "documents_in",
    "sample_documents",
]
