"""From a file to the pictures of its pages: of an image, or of a PDF's pages as they are printed.

Invariant: how many pixels a picture has is known and allowed before any of them is unpacked.
"""

import io
import struct
import zlib
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import pypdfium2
from PIL import BmpImagePlugin, GifImagePlugin, Image, ImageOps, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from deskhand.parsing.errors import UnreadableDocument
from deskhand.parsing.ocr.engine import Picture

# An A3 page at 600 dots per inch has 70 million.
_MOST_PIXELS = 80_000_000
_SHORTEST_SIDE = 12
_LONGEST_SIDE = 2600
_MOST_PAGES = 500
# Longer ones, as of a whole web page, are read piece by piece.
_LONGEST_SHAPE = 2.2
_POINTS_PER_INCH = 72
_DOTS_PER_INCH = 220
_WHITE = 255
_FORMATS = tuple(
    plugin.format
    for plugin in (
        PngImagePlugin.PngImageFile,
        JpegImagePlugin.JpegImageFile,
        TiffImagePlugin.TiffImageFile,
        WebPImagePlugin.WebPImageFile,
        BmpImagePlugin.BmpImageFile,
        GifImagePlugin.GifImageFile,
    )
)
_DAMAGES = (OSError, SyntaxError, ValueError, EOFError, OverflowError, struct.error, zlib.error)


def prepare() -> None:
    """Load what opening pictures needs."""
    Image.preinit()
    # `_check` says how many there are; Pillow would only say that there are too many.
    Image.MAX_IMAGE_PIXELS = None


class Images:
    """The pages of an image file: several in a TIFF, one in others.

    Raises:
        UnreadableDocument: it is damaged, or larger than can be read.
    """

    def __init__(self, data: bytes, wanted: Sequence[int] | None) -> None:
        try:
            self._image = Image.open(io.BytesIO(data), formats=_FORMATS)
            _check(self._image)
            count = self._image.n_frames if isinstance(self._image, TiffImagePlugin.TiffImageFile) else 1
        except _DAMAGES as error:
            raise UnreadableDocument("It is a damaged picture, or none of a kind that is read.") from error
        self.pages = range(1, min(count, _MOST_PAGES) + 1) if wanted is None else wanted

    def picture(self, page: int) -> Picture:
        """Raises UnreadableDocument."""
        try:
            self._image.seek(page - 1)
            _check(self._image)
            return _flat(self._image)
        except _DAMAGES as error:
            raise UnreadableDocument("It is a damaged picture.") from error


class PrintedPages:
    """Pages of a PDF, printed.

    Raises:
        UnreadableDocument: it cannot be opened.
    """

    def __init__(self, data: bytes, wanted: Sequence[int] | None) -> None:
        try:
            self._pdf = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            raise UnreadableDocument("It is a damaged PDF.") from error
        self.pages = range(1, len(self._pdf) + 1) if wanted is None else wanted

    def picture(self, page: int) -> Picture:
        """Raises UnreadableDocument."""
        try:
            opened = self._pdf[page - 1]
            longest = max(opened.get_size())
            scale = min(_DOTS_PER_INCH / _POINTS_PER_INCH, _LONGEST_SIDE / max(longest, 1.0))
            bitmap = opened.render(scale=scale, rev_byteorder=False, prefer_bgrx=False)
            picture: Picture = np.array(bitmap.to_numpy(), np.uint8)
            bitmap.close()
            opened.close()
        except pypdfium2.PdfiumError as error:
            raise UnreadableDocument("It is a damaged page.") from error
        return picture if picture.shape[2:] == (3,) else _of_three(picture)


def pieces(picture: Picture) -> Iterator[Picture]:
    """A picture that is much higher than wide in pieces, from the top down, cut where the least is to be seen; others as they are."""
    height, width = picture.shape[:2]
    if height <= _LONGEST_SHAPE * width or height <= _LONGEST_SIDE:
        yield picture
        return
    step = max(2 * width, 1000)
    busy = np.abs(np.diff(picture[:, :, 1].astype(np.int16), axis=1)).sum(axis=1)
    top = 0
    while height - top > step:
        cut = top + 3 * step // 4 + int(busy[top + 3 * step // 4 : top + step].argmin())
        yield picture[top:cut]
        top = cut
    yield picture[top:]


def _check(image: Image.Image) -> None:
    width, height = image.size
    if min(width, height) < _SHORTEST_SIDE:
        raise UnreadableDocument(f"It is a picture of {width:,} × {height:,} pixels: no word has room in it.")
    if width * height > _MOST_PIXELS:
        most = _MOST_PIXELS // 1_000_000
        raise UnreadableDocument(f"It is a picture of {width:,} × {height:,} pixels; at most {most} million are read. Make it smaller.")


def _flat(image: Image.Image) -> Picture:
    """The pixels, upright, on white, without more of them than are looked at."""
    width, height = image.size
    if height <= _LONGEST_SHAPE * width:
        # A JPEG can be unpacked at half its size or less for less memory.
        image.draft("RGB", (_LONGEST_SIDE, _LONGEST_SIDE))
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, np.float32)
        reach = float(values.max() - values.min()) or 1.0
        image = Image.fromarray(((values - values.min()) * (_WHITE / reach)).astype(np.uint8))
    upright = ImageOps.exif_transpose(image)
    if upright.has_transparency_data:
        seen = upright.convert("RGBA")
        paper = Image.new("RGBA", seen.size, (_WHITE, _WHITE, _WHITE, _WHITE))
        upright = Image.alpha_composite(paper, seen)
    if max(upright.size) > _LONGEST_SIDE and upright.height <= _LONGEST_SHAPE * upright.width:
        upright.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    return _of_three(np.asarray(upright.convert("RGB"))[:, :, ::-1])


def _of_three(picture: Picture) -> Picture:
    if picture.ndim == 2:
        picture = picture[:, :, None]
    if picture.shape[2] == 1:
        return np.ascontiguousarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
    return np.ascontiguousarray(picture[:, :, :3])
