"""The words of the pages of a picture or of a scanned PDF, a page at a time, inside the child that reads pictures."""

from deskhand.parsing.kinds import Kind
from deskhand.parsing.ocr import pictures
from deskhand.parsing.ocr.engine import Engine
from deskhand.parsing.ocr.pictures import Images, PrintedPages
from deskhand.parsing.ocr.sheet import Corners, Sheet, sheet_of
from deskhand.parsing.unpack import kind_inside
from deskhand.parsing.wire import Document


class Recogniser:
    """Loads everything when it is made."""

    def __init__(self) -> None:
        pictures.prepare()
        self._engine = Engine.load()

    def open(self, document: Document, pages: tuple[int, ...] | None) -> Images | PrintedPages:
        """The pages that are asked for, `None` for all, of a PDF or an image.

        Raises:
            UnsupportedKind, UnreadableDocument: it cannot be opened.
        """
        kind, _ = kind_inside(document.filename, document.content_type, document.data)
        return PrintedPages(document.data, pages) if kind is Kind.PDF else Images(document.data, pages)

    def read(self, opened: Images | PrintedPages, page: int) -> Sheet:
        """Empty if there is no print on the page.

        Raises:
            UnreadableDocument: the page is damaged.
        """
        found: list[tuple[str, Corners]] = []
        above = 0.0
        for piece in pictures.pieces(opened.picture(page)):
            lines, upright = self._engine.lines(piece)
            found += [(line.text, tuple((x, y + above) for x, y in line.corners)) for line in lines]
            above += upright.shape[0]
        return sheet_of(found)
