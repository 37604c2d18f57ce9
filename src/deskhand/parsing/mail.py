"""Mails as they are sent (EML): the subject, who wrote when, and the best of the bodies. Malformed ones are read as far as they go."""

import binascii
import email
import email.header
import email.utils
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.message import Message
from email.policy import compat32

from deskhand.parsing import blocks
from deskhand.parsing.errors import UnreadableDocument
from deskhand.parsing.html import read_html
from deskhand.parsing.text import ParsedDocument, Part

_MOST_PARTS = 500
_HEADS = ("From", "To", "Cc", "Date")
_A_HEADER = re.compile(rb"^[\x21-\x39\x3b-\x7e]+:", re.MULTILINE)
_SUFFIXES = {"text/plain": ".txt", "text/html": ".html", "message/rfc822": ".eml", "application/pdf": ".pdf"}


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that came with a mail. `filename` is what the sender calls it; `data` is `None` if it is too damaged to be taken out."""

    filename: str
    data: bytes | None


def read_mail(data: bytes, *, name: str) -> ParsedDocument:
    """Raises UnreadableDocument: it has no header, so it is no mail."""
    message = _parse(data)
    subject = _decoded(message.get("Subject"))
    heads = [f"{head}: {value}" for head in _HEADS if (value := _decoded(message.get(head)))]
    return ParsedDocument(subject or name, (Part(as_text(subject, heads, _body(message))),))


def as_text(subject: str, heads: list[str], body: str) -> str:
    """A mail as Markdown, from its subject, its lines of head and its body."""
    return blocks.join([f"# {subject}" if subject else "", "\n".join(blocks.words(head) for head in heads), body])


def attached_to(data: bytes) -> Iterator[Attached]:
    """The files that came with a mail, in order; a mail that was passed on within it is one of them."""
    number = 0
    for part in _leaves(_parse(data)):
        if not _is_attached(part):
            continue
        number += 1
        content_type = part.get_content_type()
        filename = _filename(part) or f"part-{number}{_SUFFIXES.get(content_type, '')}"
        try:
            payload = _passed_on(part) if content_type == "message/rfc822" else _payload(part)
        except UnreadableDocument:
            yield Attached(filename, None)
            continue
        if payload:
            yield Attached(filename, payload)


def _passed_on(part: Message) -> bytes:
    inner = part.get_payload()
    if not isinstance(inner, list) or not inner or not isinstance(inner[0], Message):
        return b""
    try:
        return inner[0].as_bytes(unixfrom=False)
    except (MessageError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UnreadableDocument("It holds a mail too damaged to be taken out of it.") from error


def _parse(data: bytes) -> Message:
    try:
        message = email.message_from_bytes(data, policy=compat32)
    except (MessageError, ValueError, LookupError, IndexError, TypeError, AttributeError) as error:
        # The parser of the standard library promises not to raise, and does on some.
        raise UnreadableDocument(f"It is a mail too damaged to be read: {type(error).__name__}.") from error
    if not _A_HEADER.search(data[:10_000]):
        raise UnreadableDocument("It is not a mail: it has no header.")
    return message


def _leaves(message: Message) -> Iterator[Message]:
    """The parts that hold no parts of this mail, in order."""
    waiting: list[Message] = [message]
    seen = 0
    while waiting and seen < _MOST_PARTS:
        part = waiting.pop(0)
        seen += 1
        inner = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(inner, list):
            waiting[:0] = [one for one in inner if isinstance(one, Message)]
        else:
            yield part


def _body(message: Message) -> str:
    plain: list[str] = []
    marked: list[str] = []
    for part in _leaves(message):
        if _is_attached(part) or part.get_content_maintype() not in ("text", "multipart", "message"):
            continue
        text = _text(part)
        if part.get_content_type() == "text/html":
            marked.append(read_html(text).markdown)
        else:
            plain.append(blocks.words(text.strip()))
    by_markup, by_words = blocks.join(marked), blocks.join(plain)
    # Newsletters send a line of plain text that says to look at the other part.
    return by_markup if len(by_markup) > 2 * len(by_words) else by_words


def _is_attached(part: Message) -> bool:
    if part.get_content_type() == "message/rfc822":
        return True
    disposition = str(part.get("Content-Disposition", "")).strip().lower()
    return disposition.startswith("attachment") or (_filename(part) is not None and part.get_content_maintype() != "multipart")


def _filename(part: Message) -> str | None:
    try:
        name = part.get_filename()
    except (MessageError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return (_decoded(name).replace("\\", "/").rsplit("/", 1)[-1][:200] or None) if name else None


def _payload(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
        raise UnreadableDocument("It is a mail with a part too damaged to be decoded.") from error
    return payload if isinstance(payload, bytes) else b""


def _text(part: Message) -> str:
    payload = _payload(part)
    for charset in (_charset(part), "utf-8"):
        if charset is None:
            continue
        try:
            return payload.decode(charset)
        except (LookupError, ValueError):
            continue
    # Every byte is a letter in it, and Western mail without a word on its character set was written in it.
    return payload.decode("cp1252", "replace")


def _charset(part: Message) -> str | None:
    try:
        return part.get_content_charset()
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _decoded(value: object) -> str:
    """A header's words on one line."""
    if value is None:
        return ""
    try:
        text = str(email.header.make_header(email.header.decode_header(str(value))))
    except (MessageError, ValueError, LookupError, binascii.Error, AssertionError):
        text = str(value)
    return " ".join(blocks.clean(text).split())
