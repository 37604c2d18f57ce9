"""One child process that reads documents, from the server's side: started, asked, and killed when it takes too long.

Invariant: whatever the child does, an `ask` ends within its time: with an answer, or with `ChildDied` and the child gone. The child gets no
descriptor, variable or folder of the server's, and the kernel kills it when the thread that started it ends.
"""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import msgspec

import deskhand
from deskhand.parsing.wire import LENGTH, LONGEST_FRAME, Answer, Broke, Limits, Ready, Request, frame

_PROGRAM = "import sys; sys.path[:] = {path!r}; from deskhand.parsing.child import main; main(sys.argv[1:])"
_START_SECONDS = 60
# One thread: there are no others in a child that is confined, and each would take address space.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
# ONNX Runtime reports to its maker unless it is told not to.
_ENVIRONMENT = {"LANG": "C.UTF-8", "TZ": "UTC", "ORT_DISABLE_TELEMETRY": "1", **_ONE_THREAD}
_AT_ONCE = 1 << 20
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_decoder: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


class ChildDied(Exception):
    """The child is gone. `signal` is what killed it, if one did; `slow` says that it was killed here; `broke` is its last word, if any."""

    def __init__(self, *, status: int | None = None, slow: bool = False, broke: Broke | None = None) -> None:
        super().__init__(f"status {status}")
        self.signal = -status if status is not None and status < 0 else None
        self.slow = slow
        self.broke = broke


class Worker:
    """A child that is ready. Serves one thread at a time; `confined` says whether its system calls are filtered."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._into = process.stdin.fileno()
        self._out = process.stdout.fileno()
        self._read = bytearray()
        self.documents = 0
        self.confined = False
        os.set_blocking(self._into, False)
        os.set_blocking(self._out, False)

    @classmethod
    def start(cls, limits: Limits) -> Self:
        """Start a child and wait until its limits stand: a fifth of a second, and some seconds if it reads pictures.

        Raises:
            ChildDied: it did not come up.
        """
        path = [str(Path(deskhand.__file__).parents[1]), *(entry for entry in sys.path if entry)]
        process = subprocess.Popen(  # noqa: S603 - our own interpreter with our own program
            [sys.executable, "-I", "-S", "-X", "utf8", "-c", _PROGRAM.format(path=path), str(os.getpid()), msgspec.json.encode(limits)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            env=_ENVIRONMENT,
            start_new_session=True,
        )
        worker = cls(process)
        ready = worker.next_answer(_START_SECONDS)
        if not isinstance(ready, Ready):
            worker.kill()
            raise ChildDied
        worker.confined = ready.confined
        return worker

    def send(self, request: Request, *, seconds: float) -> None:
        """Raises ChildDied: it is gone, or did not take the request in time."""
        left = memoryview(frame(request))
        deadline = time.monotonic() + seconds
        try:
            while left:
                self._wait(self._into, select.POLLOUT, deadline)
                try:
                    left = left[os.write(self._into, left[:_AT_ONCE]) :]
                except BlockingIOError:
                    continue
        except BrokenPipeError:
            raise self._died() from None

    def next_answer(self, seconds: float) -> Answer:
        """The next answer to what was sent.

        Raises:
            ChildDied: it is gone, or the answer did not come in time, or was none.
        """
        deadline = time.monotonic() + seconds
        (length,) = LENGTH.unpack(self._take(LENGTH.size, deadline))
        if length > LONGEST_FRAME:
            raise self._died()
        try:
            answer = _decoder.decode(self._take(length, deadline))
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._died() from None
        if isinstance(answer, Broke):
            self.kill()
            raise ChildDied(broke=answer)
        return answer

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def memory_bytes(self) -> int:
        """What the child holds of memory now; 0 where the system does not tell."""
        try:
            return int(Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
        except (OSError, IndexError):
            return 0

    def stop(self) -> None:
        """End the child, from any thread. Whoever waits for its answer gets `ChildDied`."""
        self._process.kill()

    def kill(self) -> None:
        """End the child and let its pipes go."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _take(self, count: int, deadline: float) -> bytes:
        while len(self._read) < count:
            self._wait(self._out, select.POLLIN, deadline)
            try:
                piece = os.read(self._out, _AT_ONCE)
            except BlockingIOError:
                continue
            if not piece:
                raise self._died()
            self._read += piece
        taken = bytes(memoryview(self._read)[:count])
        del self._read[:count]
        return taken

    def _wait(self, descriptor: int, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            self.kill()
            raise ChildDied(status=-signal.SIGKILL, slow=True)

    def _died(self) -> ChildDied:
        """What became of the child, which closed its pipes or said what it may not."""
        try:
            status: int | None = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            status = None
        self.kill()
        return ChildDied(status=status)
