"""The process that reads documents: takes a request, answers it, takes the next, until its input ends.

Invariant: one document costs at most its own share of processor time and this process's memory, and what goes wrong beyond a refusal ends
the process, never the server: whoever asked sees it end, with a last word about where. Nothing but requests and answers goes in or out.
"""

import os
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

import msgspec

from deskhand.errors import DeskhandError
from deskhand.parsing import preload, sandbox, unpack
from deskhand.parsing.errors import UnreadableDocument
from deskhand.parsing.read import read_document
from deskhand.parsing.wire import (
    LENGTH,
    LONGEST_FRAME,
    Answer,
    Broke,
    Document,
    Limits,
    Member,
    Members,
    Opened,
    Page,
    Read,
    Ready,
    Recognise,
    Refused,
    Request,
    Single,
    Text,
    Unpack,
    frame,
)

if TYPE_CHECKING:
    # An extra, which need not be installed.
    from deskhand.parsing.ocr.recognise import Recogniser

_INPUT, _OUTPUT = 0, 1
_READ_AT_ONCE = 1 << 20


def main(arguments: list[str]) -> None:
    """`arguments` are the process that started this one and the limits as JSON."""
    parent, given = arguments
    limits = msgspec.json.decode(given, type=Limits)
    sandbox.die_with_parent(int(parent))
    sys.excepthook = _say_what_broke
    preload.everything()
    recogniser = preload.recogniser() if limits.reads_pictures else None
    _send(Ready(confined=sandbox.confine(limits)))
    decoder = msgspec.msgpack.Decoder(Request)
    while (body := _receive()) is not None:
        request = decoder.decode(body)
        del body
        for answer in _answers(request, recogniser, cpu_seconds=limits.cpu_seconds):
            _send(answer)


def _answers(request: Request, recogniser: "Recogniser | None", *, cpu_seconds: int) -> Iterator[Answer]:
    match request:
        case Read():
            for document in request.documents:
                sandbox.allow_cpu(cpu_seconds)
                yield _read(document, request)
        case Unpack():
            sandbox.allow_cpu(cpu_seconds)
            yield _unpack(request)
        case Recognise():
            assert recogniser is not None
            sandbox.allow_cpu(cpu_seconds)
            yield from _recognise(request, recogniser, cpu_seconds=cpu_seconds)


def _read(document: Document, request: Read) -> Answer:
    try:
        parsed = read_document(document.filename, document.content_type, document.data, max_bytes=request.max_bytes, whole=request.whole)
    except DeskhandError as error:
        return _refused(error)
    except MemoryError:
        return _refused(_too_much_memory(document))
    except RecursionError:
        return _refused(_too_deep(document))
    return Text(parsed.title, tuple((part.text, part.page) for part in parsed.parts), parsed.url, parsed.content_type, parsed.scanned)


def _unpack(request: Unpack) -> Answer:
    try:
        found = unpack.members_of(
            request.document.filename, request.document.content_type, request.document.data, max_bytes=request.max_bytes
        )
        return Single() if found is None else _page(found, start=request.start, page_bytes=request.page_bytes)
    except DeskhandError as error:
        return _refused(error)
    except MemoryError:
        return _refused(_too_much_memory(request.document))
    except RecursionError:
        return _refused(_too_deep(request.document))


def _recognise(request: Recognise, recogniser: "Recogniser", *, cpu_seconds: int) -> Iterator[Answer]:
    document = request.document
    try:
        opened = recogniser.open(document, request.pages)
    except DeskhandError as error:
        yield _refused(error)
        return
    yield Opened(tuple(opened.pages))
    for page in opened.pages:
        sandbox.allow_cpu(cpu_seconds)
        try:
            sheet = recogniser.read(opened, page)
        except DeskhandError as error:
            yield _refused(error)
        except MemoryError:
            yield _refused(_too_much_memory(document))
        else:
            yield Page(sheet.text, sheet.heading)


def _page(found: Iterator[Member], *, start: int, page_bytes: int) -> Members:
    page: list[Member] = []
    size = 0
    for place, member in enumerate(found):
        if place < start:
            continue
        if size >= page_bytes:
            return Members(tuple(page), place)
        page.append(member)
        size += len(member.data) + 500
    return Members(tuple(page), None)


def _refused(error: DeskhandError) -> Refused:
    return Refused(error.code, error.message, error.remedy, error.details or {})


def _too_much_memory(document: Document) -> UnreadableDocument:
    return UnreadableDocument(f"'{document.filename}' needs more memory to be read than one document may have.")


def _too_deep(document: Document) -> UnreadableDocument:
    return UnreadableDocument(f"'{document.filename}' is nested too deeply to be read.")


def _receive() -> bytes | None:
    head = _read_exactly(LENGTH.size)
    if head is None:
        return None
    (length,) = LENGTH.unpack(head)
    return _read_exactly(length)


def _read_exactly(count: int) -> bytes | None:
    pieces: list[bytes] = []
    while count:
        piece = os.read(_INPUT, min(count, _READ_AT_ONCE))
        if not piece:
            return None
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def _send(answer: Answer) -> None:
    body = memoryview(frame(answer))
    if len(body) > LONGEST_FRAME:
        body = memoryview(frame(_refused(UnreadableDocument("It has more text in it than one document may have."))))
    while body:
        body = body[os.write(_OUTPUT, body) :]


def _say_what_broke(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    del error
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace is not None else ""
    _send(Broke(kind.__name__, place))
    os._exit(1)
