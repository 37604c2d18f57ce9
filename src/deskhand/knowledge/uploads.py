"""Files that somebody uploads, which come from nowhere that could be read again.

Invariant: the same file under the same name, sent again, is the same document, unless what it says was changed meanwhile: a change is never
undone by an addition.
"""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace

from deskhand.errors import Malformed, TooLarge, UnsupportedKind
from deskhand.knowledge.documents import SourceDocument, UnreadableSource, document_id
from deskhand.knowledge.library import Library
from deskhand.knowledge.opening import Source, member_of
from deskhand.knowledge.parse import Document, DocumentReader, may_hold_documents


def upload_origin(name: str, data: bytes) -> str:
    digest = hashlib.blake2s(name.encode() + b"\n" + data, digest_size=16).hexdigest()
    return f"upload:{digest}/{name}"


async def opened(whole: SourceDocument, reader: DocumentReader) -> AsyncIterator[Source]:
    """The document, or those inside it: rows, members of an archive, what came with a mail."""
    document = Document(whole.filename, whole.content_type, whole.data)
    if not may_hold_documents(document.filename, document.content_type, document.data):
        yield whole
        return
    start: int | None = 0
    while start is not None:
        try:
            page = await reader.unpack(document, start=start)
        except (Malformed, TooLarge, UnsupportedKind) as error:
            yield UnreadableSource(whole.origin, whole.source, error.message)
            return
        if page is None:
            yield whole
            return
        for member in page.members:
            yield member_of(whole, member)
        start = page.following


async def under_its_own_name(source: Source, library: Library) -> Source:
    """The document, under another origin if what was once sent under this one says something else by now."""
    if not isinstance(source, SourceDocument):
        return source
    number = 1
    origin = source.origin
    while await library.was_replaced(document_id(origin)):
        number += 1
        origin = f"{source.origin}#{number}"
    return replace(source, origin=origin)
