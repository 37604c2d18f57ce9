"""What was read of a document made complete by the words in its pictures, where they can be read.

Invariant: a document is never silently less than it is: which pages are pictures, which of those were read, and why the others were not, is
in what is returned, and a document without any words is an error.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from deskhand.errors import DeskhandError
from deskhand.knowledge.parse.recognising import PictureOptions, PictureReader, Recognised
from deskhand.knowledge.parse.worker import ChildDied
from deskhand.parsing import ocr
from deskhand.parsing.errors import UnreadableDocument
from deskhand.parsing.kinds import stem
from deskhand.parsing.text import ParsedDocument, Part
from deskhand.parsing.wire import Document

OCR_ADVICE = ocr.ADVICE
READS_PICTURES = ocr.INSTALLED
"""Whether the extra that reads pictures is installed."""


@dataclass(frozen=True, slots=True)
class ScannedPage:
    """A page that is about to be read: how many pages of the document were read before it, and how many there are."""

    done: int
    total: int


OnScannedPage = Callable[[ScannedPage], None]


class Scans:
    """May be used from any thread and any event loop. Pictures are read one after the other."""

    def __init__(self, options: PictureOptions) -> None:
        self._options = options
        self._reader = PictureReader(options)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="pictures")

    async def completed(
        self, document: Document, read: ParsedDocument | DeskhandError, *, on_page: OnScannedPage | None
    ) -> ParsedDocument | DeskhandError:
        """As `read` below, with errors instead of raising them."""
        if isinstance(read, DeskhandError):
            return read
        try:
            return await self.read(document, read, seconds=self._options.document_seconds, on_page=on_page)
        except DeskhandError as error:
            return error

    async def read(
        self, document: Document, read: ParsedDocument, *, seconds: float, on_page: OnScannedPage | None = None
    ) -> ParsedDocument:
        """`read` with the words of its scanned pages, read within `seconds`; waiting for other documents counts.

        Raises:
            UnreadableDocument: there are no words in it that can be read.
        """
        if not read.scanned:
            return read
        if not READS_PICTURES:
            return _without(document, read, OCR_ADVICE)
        loop = asyncio.get_running_loop()
        deadline = time.monotonic() + seconds

        def tell(done: int, total: int) -> None:
            if on_page is not None:
                loop.call_soon_threadsafe(on_page, ScannedPage(done, total))

        def work() -> Recognised:
            pages = None if _is_image(read) else read.scanned
            return self._reader.read(document, pages, deadline=deadline, on_page=tell)

        try:
            found = await loop.run_in_executor(self._executor, work)
        except UnreadableDocument as error:
            return _without(document, read, error.message)
        except (ChildDied, OSError):
            return _without(document, read, "What reads words in pictures cannot be started; see the log of the server.")
        return _with(document, read, found)

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._reader.close()
        self._executor.shutdown()


def _is_image(read: ParsedDocument) -> bool:
    return read.content_type.startswith("image/")


def _with(document: Document, read: ParsedDocument, found: Recognised) -> ParsedDocument:
    numbered = not _is_image(read) or len(found.pages) > 1
    # A page with a stamp over its picture is in both; the picture shows the stamp too.
    parts = {part.page: part for part in read.parts}
    parts |= {page: Part(text, page if numbered else None) for page, text in found.texts.items() if text}
    reason = next(iter(found.unread.values()), None)
    recognised = tuple(page for page in found.pages if page in found.texts)
    if not parts:
        raise _unreadable(document, reason or "There are no words in its pictures.")
    title = read.title
    if found.heading is not None and not read.parts and title == stem(document.filename):
        title = found.heading
    ordered = tuple(parts[page] for page in sorted(parts, key=lambda page: page or 0))
    return replace(read, title=title, parts=ordered, scanned=found.pages, recognised=recognised, unread_because=reason)


def _without(document: Document, read: ParsedDocument, reason: str) -> ParsedDocument:
    if read.parts:
        return replace(read, unread_because=reason)
    if _is_image(read):
        raise _unreadable(document, reason)
    pages = "Its page has" if len(read.scanned) == 1 else f"Its {len(read.scanned)} pages have"
    raise _unreadable(document, f"{pages} no text, only pictures, as scans have. {reason}")


def _unreadable(document: Document, reason: str) -> UnreadableDocument:
    return UnreadableDocument(f"'{document.filename}' cannot be read. {reason}", details={"filename": document.filename})
