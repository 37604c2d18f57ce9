"""The errors of this package that a caller may see."""

from deskhand.errors import NotFound, PartDown
from deskhand.parsing.errors import UnreadableDocument as UnreadableDocument


class KnowledgeUnavailable(PartDown):
    """The knowledge base cannot be searched at the moment."""

    code = "knowledge_unavailable"


class DocumentNotFound(NotFound):
    """There is no such document, or the caller may not see it."""

    code = "document_not_found"
