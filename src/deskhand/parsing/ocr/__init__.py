"""Words in pictures: of scanned pages and of images. An extra, `pip install 'deskhand[ocr]'`.

Invariant: what is here but this module and `sheet` is imported by a child that reads pictures alone, and before that child is confined.
"""

import importlib.util

INSTALLED = importlib.util.find_spec("rapidocr") is not None
ADVICE = "Install the extra that reads them: pip install 'deskhand[ocr]'."
