"""Reading documents of every kind in child processes with limits, for whoever has bytes of a stranger's.

Invariant: a document is answered for, by its words or by the reason why not, within `wall_seconds` of being begun; one that kills the child
which reads it costs itself alone. The server never parses a document in its own process.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import structlog

from deskhand.errors import DeskhandError, PartDown, TooLarge, UnsupportedKind
from deskhand.knowledge.parse.recognising import PictureOptions
from deskhand.knowledge.parse.scans import ScannedPage, Scans
from deskhand.knowledge.parse.worker import ChildDied, Worker
from deskhand.parsing.errors import UnreadableDocument
from deskhand.parsing.kinds import MAX_BYTES
from deskhand.parsing.text import ParsedDocument, Part
from deskhand.parsing.wire import Answer, Document, Limits, Members, Read, Refused, Request, Text, Unpack

log = structlog.get_logger(__name__)

_MEBIBYTE = 1024 * 1024
_BATCH_DOCUMENTS = 64
_BATCH_BYTES = 1_000_000
_PAGE_BYTES = 8_000_000
# A customer waits for what is said of a picture.
_ATTACHED_SECONDS = 60.0
_ERRORS: dict[str, type[DeskhandError]] = {kind.code: kind for kind in (UnreadableDocument, UnsupportedKind, TooLarge)}
_T = TypeVar("_T")


class ReadersUnavailable(PartDown):
    """The process that reads documents cannot be started."""

    code = "readers_unavailable"


@dataclass(frozen=True, slots=True)
class ReaderOptions:
    """`processes` read side by side. Memory is address space of each; a process is replaced after so many documents, or when it still holds
    half of its memory. `wall_seconds` is for one document, however busy the machine is."""

    processes: int = 2
    memory_bytes: int = 512 * _MEBIBYTE
    cpu_seconds: int = 10
    wall_seconds: float = 30
    documents_per_process: int = 1_000
    max_bytes: int = MAX_BYTES
    pictures: PictureOptions = field(default_factory=PictureOptions)


class DocumentReader:
    """Starts its processes when they are first needed. May be used from any thread and any event loop."""

    def __init__(self, options: ReaderOptions | None = None) -> None:
        self._options = options or ReaderOptions()
        self._limits = Limits(memory_bytes=self._options.memory_bytes, cpu_seconds=self._options.cpu_seconds)
        self._executor = ThreadPoolExecutor(self._options.processes, thread_name_prefix="reading")
        self._scans = Scans(self._options.pictures)
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._closed = False
        self._told = False

    async def read(self, filename: str, content_type: str | None, data: bytes) -> ParsedDocument:
        """The words of one document, with those of what is inside or attached to it.

        Raises:
            UnsupportedKind, TooLarge, UnreadableDocument: it is not read; the message says why, for whoever sent it.
            ReadersUnavailable: nothing can be read at the moment.
        """
        (answer,) = await self._run(lambda: self._read_all([Document(filename, content_type, data)], whole=True))
        if isinstance(answer, DeskhandError):
            raise answer
        return await self._scans.read(Document(filename, content_type, data), answer, seconds=_ATTACHED_SECONDS)

    async def read_many(
        self, documents: Sequence[Document], *, on_page: Callable[[int, ScannedPage], None] | None = None
    ) -> list[ParsedDocument | DeskhandError]:
        """For each document its words, without what is inside it, or the error that `read` would raise for it. In order. `on_page` is
        called on the event loop before each page that has to be read from a picture, with the place of its document.

        Raises:
            ReadersUnavailable: nothing can be read at the moment.
        """
        found = await self._run(lambda: self._read_all(documents, whole=False))
        return [
            await self._scans.completed(document, found[place], on_page=None if on_page is None else partial(on_page, place))
            for place, document in enumerate(documents)
        ]

    async def unpack(self, document: Document, *, start: int = 0) -> Members | None:
        """A page of the documents inside a document, from the `start`th on; `None` if it is one by itself.

        Raises:
            UnsupportedKind, TooLarge, UnreadableDocument: it cannot be opened.
            ReadersUnavailable: nothing can be read at the moment.
        """
        return await self._run(lambda: self._unpack(document, start))

    async def close(self) -> None:
        """End the processes. What is being read fails."""
        await self._scans.close()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            for worker in self._busy:
                # Its pipes belong to the thread that reads from it, which sees them end.
                worker.stop()
        for worker in idle:
            worker.kill()
        self._executor.shutdown()

    async def _run(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def _read_all(self, documents: Sequence[Document], *, whole: bool) -> list[ParsedDocument | DeskhandError]:
        found: list[ParsedDocument | DeskhandError] = []
        while len(found) < len(documents):
            batch = _batch(documents[len(found) :])
            found += self._ask(Read(batch, self._options.max_bytes, whole), batch)
        return found

    def _ask(self, request: Request, documents: Sequence[Document]) -> list[ParsedDocument | DeskhandError]:
        """The answers for `documents`, or for those of them up to the one that killed the child."""
        found: list[ParsedDocument | DeskhandError] = []
        worker = self._take()
        try:
            worker.send(request, seconds=self._options.wall_seconds)
            while len(found) < len(documents):
                found.append(_result(worker.next_answer(self._options.wall_seconds)))
        except ChildDied as death:
            found.append(self._verdict(worker, death, documents[len(found)].filename))
        else:
            self._put_back(worker, len(documents))
        return found

    def _unpack(self, document: Document, start: int) -> Members | None:
        worker = self._take()
        try:
            worker.send(Unpack(document, start, _PAGE_BYTES, self._options.max_bytes), seconds=self._options.wall_seconds)
            answer = worker.next_answer(self._options.wall_seconds)
        except ChildDied as death:
            raise self._verdict(worker, death, document.filename) from death
        self._put_back(worker, 1)
        match answer:
            case Members():
                return answer
            case Refused():
                raise _error(answer)
            case _:
                return None

    def _take(self) -> Worker:
        with self._lock:
            if self._closed:
                raise ReadersUnavailable(support="The server is being stopped.")
            while self._idle:
                worker = self._idle.pop()
                if worker.is_alive:
                    self._busy.add(worker)
                    return worker
                worker.kill()
        try:
            worker = Worker.start(self._limits)
        except (ChildDied, OSError) as error:
            raise ReadersUnavailable(support="See the log of the server for why no process can be started.") from error
        with self._lock:
            self._busy.add(worker)
        if not worker.confined and not self._told:
            self._told = True
            log.warning("readers_not_confined", remedy="Limits hold, but system calls are not filtered on this system.")
        return worker

    def _put_back(self, worker: Worker, documents: int) -> None:
        worker.documents += documents
        worn = worker.documents >= self._options.documents_per_process or worker.memory_bytes() > self._options.memory_bytes // 2
        with self._lock:
            self._busy.discard(worker)
            if not worn and not self._closed:
                self._idle.append(worker)
                return
        worker.kill()

    def _verdict(self, worker: Worker, death: ChildDied, filename: str) -> DeskhandError:
        with self._lock:
            self._busy.discard(worker)
            if self._closed:
                return ReadersUnavailable(support="The server is being stopped.")
        broke = death.broke
        log.warning(
            "reader_died",
            signal=death.signal,
            slow=death.slow,
            error=broke.error if broke else None,
            place=broke.place if broke else None,
        )
        return UnreadableDocument(f"'{filename}' cannot be read. {self._reason(death)}", details={"filename": filename})

    def _reason(self, death: ChildDied) -> str:
        if death.slow:
            return f"Reading it took longer than {self._options.wall_seconds:g} seconds."
        if death.broke is not None:
            return f"It is damaged in a way that its reader cannot cope with ({death.broke.error} in {death.broke.place})."
        match death.signal:
            case signal.SIGXCPU:
                return f"Reading it took more than {self._options.cpu_seconds} seconds of processor time."
            case signal.SIGKILL:
                return "Reading it was stopped by the system, most likely for the memory that it took."
            case _:
                most = self._options.memory_bytes // _MEBIBYTE
                return f"It is damaged or made to do harm: its reader crashed, or it needs more than {most} MiB of memory."


def _batch(documents: Sequence[Document]) -> tuple[Document, ...]:
    batch: list[Document] = []
    size = 0
    for document in documents[:_BATCH_DOCUMENTS]:
        size += len(document.data)
        if batch and size > _BATCH_BYTES:
            break
        batch.append(document)
    return tuple(batch)


def _result(answer: Answer) -> ParsedDocument | DeskhandError:
    match answer:
        case Text():
            parts = tuple(Part(text, page) for text, page in answer.parts)
            return ParsedDocument(answer.title, parts, answer.url, answer.content_type, answer.scanned)
        case Refused():
            return _error(answer)
        case _:
            return UnreadableDocument("It cannot be read: its reader answered something else.")


def _error(refused: Refused) -> DeskhandError:
    return _ERRORS.get(refused.code, UnreadableDocument)(refused.message, details=refused.details or None, support=refused.support)
