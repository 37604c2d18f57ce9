"""Everything that reading may need, imported before the process gives up opening files: what is not here by then cannot be had."""

import encodings
import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # An extra, which need not be installed.
    from deskhand.parsing.ocr.recognise import Recogniser

# These load others on first use, in the middle of a document.
_LAZY = (
    "bz2",
    "copy",
    "email.charset",
    "email.feedparser",
    "email.generator",
    "email.parser",
    "email.policy",
    "email.utils",
    "email.iterators",
    "email.quoprimime",
    "email.base64mime",
    "heapq",
    "html.entities",
    "lzma",
    "quopri",
    "stringprep",
    "zlib",
)
# They need the system's own tables, or are no character sets.
_LEFT_OUT = frozenset({"encodings.mbcs", "encodings.oem"})


def everything() -> None:
    """Takes a tenth of a second."""
    for name in _LAZY:
        importlib.import_module(name)
    for module in pkgutil.iter_modules(encodings.__path__, "encodings."):
        if module.name not in _LEFT_OUT:
            importlib.import_module(module.name)
    importlib.import_module("deskhand.parsing.read")


def recogniser() -> "Recogniser":
    """What reads pictures, ready to. Takes some seconds."""
    from deskhand.parsing.ocr.recognise import Recogniser  # noqa: PLC0415 - only in a child that reads pictures

    return Recogniser()
