"""Bytes into characters: by byte-order mark, by the declared character set, else UTF-8. What does not fit is refused, never replaced.

Shift JIS alone is told by its bytes: which of them may follow which, and how common the characters are, leave hardly a doubt.
"""

import codecs
import re

from deskhand.parsing.errors import UnreadableDocument

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_IN_TYPE = re.compile(r"""charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)
_IN_HTML = re.compile(rb"""<(?:meta\b[^>]{0,200}?charset\s*=\s*|\?xml\b[^>]{0,100}?encoding\s*=\s*)["']?([\w.:-]+)""", re.IGNORECASE)
_HEAD_BYTES = 4096
# What begins the punctuation, the kana and the kanji of everyday use.
_COMMON_LEADS = (0x81, 0x97)


def decode(data: bytes, *, content_type: str | None = None, is_html: bool = False) -> str:
    """The characters of `data`.

    Raises:
        UnreadableDocument: these bytes are not text in the character set that they have by mark, declaration or default.
    """
    for mark, charset in _MARKS:
        if data.startswith(mark):
            return _decode(data[len(mark) :], charset)
    declared = _IN_TYPE.search(content_type or "")
    if declared:
        return _decode(data, declared.group(1))
    try:
        return _decode(data, "utf-8")
    except UnreadableDocument:
        in_page = _IN_HTML.search(data[:_HEAD_BYTES]) if is_html else None
        if in_page is None and _is_shift_jis(data):
            return _decode(data, "cp932")
        if in_page is None:
            raise
        return _decode(data, in_page.group(1).decode("ascii"))


def _is_shift_jis(data: bytes) -> bool:
    """Whether it is Japanese in Shift JIS: valid as such, and nearly all of it kana or kanji of the first level."""
    try:
        text = data.decode("cp932")
    except UnicodeDecodeError:
        return False
    foreign = [character for character in text if character > "\x7f"]
    common = sum(_COMMON_LEADS[0] <= encoded[0] <= _COMMON_LEADS[1] for encoded in (character.encode("cp932") for character in foreign))
    return len(foreign) >= 4 and common >= 0.9 * len(foreign)


def _decode(data: bytes, charset: str) -> str:
    try:
        codec = codecs.lookup(charset)
    except LookupError as error:
        raise UnreadableDocument(f"It says that its character set is '{charset}', which is not known.") from error
    try:
        text = data.decode(codec.name)
    except UnicodeDecodeError as error:
        raise UnreadableDocument(
            f"It is not valid {codec.name.upper()}: the byte 0x{data[error.start]:02X} at position {error.start} does not fit."
        ) from error
    except (LookupError, ValueError) as error:
        raise UnreadableDocument(f"'{charset}' is not a character set of texts.") from error
    if "\x00" in text:
        raise UnreadableDocument("It is not a text: it has NUL characters in it.")
    return text.replace("\r\n", "\n").replace("\r", "\n")
