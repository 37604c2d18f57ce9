"""Reading the words in pictures, in a child of its own kind, from the server's side.

Invariant: one picture is read at a time, by one thread of one child, and a document takes at most its seconds, waiting for others included;
pages that are not read by then are told, with the reason. A page that kills the child costs itself.
"""

import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from deskhand.knowledge.parse.worker import ChildDied, Worker
from deskhand.parsing.errors import UnreadableDocument
from deskhand.parsing.wire import Document, Limits, Opened, Page, Recognise, Refused

log = structlog.get_logger(__name__)

_MEBIBYTE = 1024 * 1024
_MOST_DEATHS = 3
_SEND_SECONDS = 30.0
# However busy the machine is: a page may wait this many times what it may compute.
_PATIENCE = 3
_NO_TIME = "The time for the pictures of one document was over."

OnPage = Callable[[int, int], None]
"""Called before each page that is read, with how many were read before it and how many there are; from any thread."""


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """`memory_bytes` is address space, `page_seconds` processor time for one page, `document_seconds` the time for all pages of a document.
    After `idle_seconds` without a picture the child is ended."""

    memory_bytes: int = 1_536 * _MEBIBYTE
    page_seconds: int = 60
    document_seconds: float = 900
    idle_seconds: float = 60


@dataclass(slots=True)
class Recognised:
    """What was read of a document: Markdown by page, empty where there is no print; `unread` gives the reason for each other page.
    `heading` is the first large one on the first page that has one."""

    pages: tuple[int, ...] = ()
    texts: dict[int, str] = field(default_factory=dict)
    heading: str | None = None
    unread: dict[int, str] = field(default_factory=dict)

    @property
    def waiting(self) -> tuple[int, ...]:
        return tuple(page for page in self.pages if page not in self.texts and page not in self.unread)


class PictureReader:
    """Starts its child when there is something to be read. `read` is to be called from one thread."""

    def __init__(self, options: PictureOptions) -> None:
        self._options = options
        self._limits = Limits(memory_bytes=options.memory_bytes, cpu_seconds=options.page_seconds, reads_pictures=True)
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._busy: Worker | None = None
        self._idle: threading.Timer | None = None
        self._closed = threading.Event()

    def read(self, document: Document, pages: Sequence[int] | None, *, deadline: float, on_page: OnPage) -> Recognised:
        """The words of these pages of a PDF, or of all pages of an image, until `deadline` by the monotonic clock.

        Raises:
            UnsupportedKind, UnreadableDocument: it cannot be opened.
            ChildDied, OSError: the child cannot be started.
        """
        done = Recognised(tuple(pages or ()))
        wanted = None if pages is None else done.pages
        if time.monotonic() >= deadline:
            done.pages = done.pages or (1,)
            done.unread = dict.fromkeys(done.pages, _NO_TIME)
            return done
        for _ in range(_MOST_DEATHS):
            worker = self._take()
            try:
                self._read_on(worker, Recognise(document, wanted), done=done, deadline=deadline, on_page=on_page)
            except ChildDied as death:
                self._drop(worker)
                self._tell(death)
                if not done.waiting:
                    raise UnreadableDocument(f"It cannot be opened. {self._reason(death)}") from death
                done.unread[done.waiting[0]] = self._reason(death)
            except UnreadableDocument:
                self._put_back(worker)
                raise
            else:
                self._put_back(worker)
            wanted = done.waiting
            if not wanted or self._closed.is_set():
                break
        done.unread |= dict.fromkeys(done.waiting, "Reading pages before it went wrong too often.")
        return done

    def close(self) -> None:
        """End the child, from any thread. What is being read fails."""
        with self._lock:
            self._closed.set()
            if self._busy is not None:
                # Its pipes belong to the thread that reads from it, which sees them end.
                self._busy.stop()
        self._end_idle()

    def _read_on(self, worker: Worker, request: Recognise, *, done: Recognised, deadline: float, on_page: OnPage) -> None:
        worker.send(request, seconds=_SEND_SECONDS)
        opened = worker.next_answer(self._options.page_seconds * _PATIENCE)
        if isinstance(opened, Refused):
            raise UnreadableDocument(opened.message)
        if not isinstance(opened, Opened):
            raise ChildDied
        done.pages = done.pages or opened.pages
        for page in opened.pages:
            seconds = deadline - time.monotonic()
            if seconds <= 0:
                worker.kill()
                done.unread |= dict.fromkeys(done.waiting, _NO_TIME)
                return
            on_page(len(done.pages) - len(done.waiting), len(done.pages))
            try:
                answer = worker.next_answer(min(seconds, self._options.page_seconds * _PATIENCE))
            except ChildDied:
                if time.monotonic() < deadline:
                    raise
                continue
            match answer:
                case Page():
                    done.texts[page] = answer.text
                    done.heading = done.heading or answer.heading
                case Refused():
                    done.unread[page] = answer.message
                case _:
                    raise ChildDied

    def _take(self) -> Worker:
        with self._lock:
            if self._closed.is_set():
                raise ChildDied
            if self._idle is not None:
                self._idle.cancel()
            worker, self._worker = self._worker, None
        if worker is None or not worker.is_alive:
            worker = Worker.start(self._limits)
        with self._lock:
            self._busy = worker
            if self._closed.is_set():
                worker.stop()
        return worker

    def _drop(self, worker: Worker) -> None:
        with self._lock:
            self._busy = None
        worker.kill()

    def _put_back(self, worker: Worker) -> None:
        with self._lock:
            self._busy = None
            keep = worker.is_alive and not self._closed.is_set() and worker.memory_bytes() <= self._options.memory_bytes // 2
            if keep:
                self._worker = worker
                self._idle = threading.Timer(self._options.idle_seconds, self._end_idle)
                self._idle.daemon = True
                self._idle.start()
        if not keep:
            worker.kill()

    def _end_idle(self) -> None:
        with self._lock:
            worker, self._worker = self._worker, None
            if self._idle is not None:
                self._idle.cancel()
        if worker is not None:
            worker.kill()

    def _tell(self, death: ChildDied) -> None:
        broke = death.broke
        log.warning(
            "picture_reader_died",
            signal=death.signal,
            slow=death.slow,
            error=broke.error if broke else None,
            place=broke.place if broke else None,
        )

    def _reason(self, death: ChildDied) -> str:
        if death.slow or death.signal == signal.SIGXCPU:
            return f"Reading the page took more than {self._options.page_seconds} seconds of processor time."
        if death.broke is not None:
            return f"It is damaged in a way that its reader cannot cope with ({death.broke.error} in {death.broke.place})."
        most = self._options.memory_bytes // _MEBIBYTE
        return f"It is damaged or made to do harm: its reader crashed, or it needs more than {most} MiB of memory."
