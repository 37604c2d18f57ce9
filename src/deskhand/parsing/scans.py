"""Which pages of a PDF are pictures of print: pages that were scanned or photographed, or whose letters are drawn as shapes."""

from itertools import islice

import pypdfium2
from pypdfium2 import raw

# Programs that scan write their name or a number over the picture.
_LONGEST_STAMP = 60
_LEAST_OF_A_PAGE = 0.02
_MOST_OF_A_PAGE = 0.5
_LEAST_SHAPES = 60
_MOST_LOOKED_AT = 2_000


def is_scan(page: pypdfium2.PdfPage, *, letters: int) -> bool:
    """Whether the words of a page are in a picture. `letters` are those of its text."""
    if letters > _LONGEST_STAMP:
        return False
    pictured, shapes = 0.0, 0
    for thing in islice(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_PATH], max_depth=3), _MOST_LOOKED_AT):
        if thing.type == raw.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = thing.get_bounds()
            pictured += abs((right - left) * (top - bottom))
        else:
            shapes += 1
    share = pictured / max(page.get_width() * page.get_height(), 1.0)
    return share >= _MOST_OF_A_PAGE if letters else share >= _LEAST_OF_A_PAGE or shapes >= _LEAST_SHAPES
