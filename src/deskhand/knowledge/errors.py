"""The errors of this package that a caller may see."""

from deskhand.errors import DeskhandError, NotFound, PartDown
from deskhand.parsing.errors import UnreadableDocument as UnreadableDocument


class KnowledgeUnavailable(PartDown):
    """The knowledge base cannot be searched at the moment."""

    code = "knowledge_unavailable"


class DocumentChanged(DeskhandError):
    """The document is not as it was when it was read: somebody changed or deleted it meanwhile."""

    code = "document_changed"
    status = 412
    support = "Read the document again, look at what changed ('history'), and make your change to that, naming its new revision."


class DocumentNotFound(NotFound):
    """There is no such document, or the caller may not see it."""

    code = "document_not_found"
