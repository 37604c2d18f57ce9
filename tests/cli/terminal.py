"""A program on a terminal of its own: what it shows, and keys pressed at it."""

import asyncio
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

CTRL_C = "\x03"
CTRL_D = "\x04"

_LAUNCH = "import os, sys; os.login_tty(0); os.execv(sys.argv[1], sys.argv[1:])"
_SECONDS = 60


class Terminal:
    """Use it as `with Terminal(command, …)`. `shown` is all that was written so far, escapes included."""

    def __init__(self, command: Sequence[str], *, folder: str, environment: dict[str, str]) -> None:
        self.shown = ""
        self._command = command
        self._folder = folder
        self._environment = {**environment, "TERM": "xterm-256color", "LINES": "50"}
        self._seen = 0

    def __enter__(self) -> Self:
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, *self._command],
            cwd=self._folder,
            env=self._environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._master)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    async def wait_until_it_sleeps(self) -> None:
        """Wait until the program waits for a key. CPython's `input` hears a Ctrl-C between its prompt and that only with the next key."""
        await asyncio.to_thread(self._wait_until_it_sleeps)

    async def wait_for(self, words: str) -> None:
        """Wait until `words` are shown, after what was waited for before."""
        await asyncio.to_thread(self._wait_for, words)

    async def wait_for_end(self) -> int:
        """Wait for the end of the program; returns its code."""
        return await asyncio.to_thread(self._wait_for_end)

    def _wait_until_it_sleeps(self) -> None:
        deadline = time.monotonic() + _SECONDS
        while not Path(f"/proc/{self._process.pid}/wchan").read_text(encoding="ascii").startswith("poll_"):
            assert time.monotonic() < deadline, f"It does not wait for a key:\n{self.shown}"
            time.sleep(0.01)

    def _wait_for(self, words: str) -> None:
        while words not in self.shown[self._seen :]:
            assert self._read(), f"{words!r} is not shown in:\n{self.shown}"
        self._seen = self.shown.index(words, self._seen) + len(words)

    def _wait_for_end(self) -> int:
        while self._read():
            pass
        return self._process.wait(_SECONDS)

    def _read(self) -> bool:
        """More of what is shown; False at the end, and when nothing comes for too long."""
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            if select.select([self._master], [], [], 0.1)[0]:
                try:
                    piece = os.read(self._master, 65_536)
                except OSError:
                    return False
                self.shown += piece.decode(errors="replace")
                return bool(piece)
        return False
