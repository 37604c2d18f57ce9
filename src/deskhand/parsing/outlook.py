"""Mails as Outlook keeps them (MSG, [MS-OXMSG]): properties in the streams of an OLE file."""

import datetime as dt
import io
import struct
from collections.abc import Iterator

import olefile

from deskhand.parsing import mail
from deskhand.parsing.blocks import clean, words
from deskhand.parsing.errors import UnreadableDocument
from deskhand.parsing.html import read_html
from deskhand.parsing.kinds import Kind
from deskhand.parsing.text import ParsedDocument, Part

_SUBJECT, _FROM_NAME, _FROM_ADDRESS, _TO, _CC, _BODY, _HTML = "0037", "0C1A", "5D01", "0E04", "0E03", "1000", "1013"
_ATTACHED, _LONG_NAME, _SHORT_NAME = "3701", "3707", "3704"
_SENT, _PROPERTIES_BEGIN, _FIRST_TICK = 0x00390040, 32, dt.datetime(1601, 1, 1, tzinfo=dt.UTC)
_MOST_ATTACHED = 500
_LARGEST_STREAM = 50_000_000
_DAMAGES = (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError, struct.error, UnicodeError, OverflowError)


def open_ole(data: bytes) -> olefile.OleFileIO:
    """Raises UnreadableDocument: it is damaged."""
    try:
        return olefile.OleFileIO(io.BytesIO(data))
    except _DAMAGES as error:
        raise UnreadableDocument("It is a damaged Office document of before 2007.") from error


def ole_kind(data: bytes) -> Kind:
    """Which kind of document an OLE file is.

    Raises:
        UnreadableDocument: it is damaged or a kind that is not read here, with what to do.
    """
    file = open_ole(data)
    names = {"/".join(entry).lower() for entry in file.listdir()}
    if "__properties_version1.0" in names:
        return Kind.OUTLOOK
    if names & {"workbook", "book"}:
        return Kind.OLD_SHEETS
    if "encryptedpackage" in names:
        raise UnreadableDocument("It is protected by a password; save it without one and send that.")
    if "worddocument" in names:
        raise UnreadableDocument("It is a Word document of before 2007; save it as DOCX or PDF and send that.")
    if "powerpoint document" in names:
        raise UnreadableDocument("It is a PowerPoint document of before 2007; save it as PPTX or PDF and send that.")
    raise UnreadableDocument("It is an OLE file of a kind that cannot be read here.")


def read_outlook(data: bytes, *, name: str) -> ParsedDocument:
    file = open_ole(data)
    try:
        subject = " ".join(_string(file, "", _SUBJECT).split())
        sender = " ".join(dict.fromkeys(filter(None, (_string(file, "", _FROM_NAME), _string(file, "", _FROM_ADDRESS)))))
        said = {"From": sender, "To": _string(file, "", _TO), "Cc": _string(file, "", _CC), "Date": _sent(file)}
        heads = [f"{head}: {value}" for head, value in said.items() if value]
        body = words(_string(file, "", _BODY).replace("\r\n", "\n").strip())
        if not body:
            html = _stream(file, f"__substg1.0_{_HTML}0102")
            body = read_html(html.decode("utf-8", "replace")).markdown if html else ""
    except _DAMAGES as error:
        raise UnreadableDocument("It is a damaged Outlook message.") from error
    return ParsedDocument(subject or name, (Part(mail.as_text(subject, heads, body)),))


def attached_to(data: bytes) -> Iterator[mail.Attached]:
    """The files that came with a message. A message within it has no bytes of its own and is left out."""
    file = open_ole(data)
    folders = sorted({entry[0] for entry in file.listdir() if entry[0].startswith("__attach_version1.0")})[:_MOST_ATTACHED]
    for number, folder in enumerate(folders, 1):
        try:
            name = _string(file, f"{folder}/", _LONG_NAME) or _string(file, f"{folder}/", _SHORT_NAME) or f"part-{number}"
            payload = _stream(file, f"{folder}/__substg1.0_{_ATTACHED}0102")
        except _DAMAGES as error:
            raise UnreadableDocument("It is an Outlook message with a damaged attachment.") from error
        if payload:
            yield mail.Attached(name.replace("\\", "/").rsplit("/", 1)[-1][:200], payload)


def _sent(file: olefile.OleFileIO) -> str:
    """When the message was sent, in UTC; "" if it does not say."""
    properties = _stream(file, "__properties_version1.0")
    for place in range(_PROPERTIES_BEGIN, len(properties) - 15, 16):
        tag, _, ticks = struct.unpack_from("<IIQ", properties, place)
        if tag == _SENT:
            return f"{_FIRST_TICK + dt.timedelta(microseconds=ticks // 10):%Y-%m-%d %H:%M} UTC"
    return ""


def _string(file: olefile.OleFileIO, folder: str, tag: str) -> str:
    wide = _stream(file, f"{folder}__substg1.0_{tag}001F")
    if wide:
        return clean(wide.decode("utf-16-le", "replace")).strip()
    return clean(_stream(file, f"{folder}__substg1.0_{tag}001E").decode("cp1252", "replace")).strip()


def _stream(file: olefile.OleFileIO, path: str) -> bytes:
    if not file.exists(path):
        return b""
    if file.get_size(path) > _LARGEST_STREAM:
        raise UnreadableDocument("It is an Outlook message with a part that is too large.")
    return bytes(file.openstream(path).read())
