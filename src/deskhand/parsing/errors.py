"""What is said of a document that cannot be read."""

from deskhand.errors import Malformed


class UnreadableDocument(Malformed):
    """This document cannot be read. The message says why, in words for whoever sent it."""

    code = "unreadable_document"
    support = "Save the document again in one of the supported kinds and send that."
