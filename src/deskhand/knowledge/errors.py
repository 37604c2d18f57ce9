"""The errors of this package that a caller may see."""

from deskhand.errors import Malformed, NotFound, PartDown


class KnowledgeUnavailable(PartDown):
    """The knowledge base cannot be searched at the moment."""

    code = "knowledge_unavailable"


class UnreadableDocument(Malformed):
    """This document cannot be read. The message says why, in words for whoever sent it."""

    code = "unreadable_document"
    support = "Save the document again in one of the supported kinds, as UTF-8, and send that."


class DocumentNotFound(NotFound):
    """There is no such document, or the caller may not see it."""

    code = "document_not_found"
