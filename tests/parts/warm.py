"""Processes of the program that begin where its imports end.

A start of the program is 1 to 2 s of a processor, nearly all of it for imports, and the tests start some hundreds. So one process for each
pytest process imports everything once, and forks for each start. The invariant: what begins is a process of its own, with the folder, the
environment and the streams it was given and nothing else of ours; it is killed, frozen and waited for as any other. Only its imports are
not its own, so what is about them, and everything with DESKHAND_CHAOS=full, starts the interpreter.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

# Elsewhere a process that has loaded the system's libraries may not fork.
IS_WARM = sys.platform == "linux" and os.environ.get("DESKHAND_CHAOS") != "full"
# The script that is made to be warm.
PREPARED = str(Path(__file__).parents[1] / "chaos" / "server.py")
_FORKER = Path(__file__).with_name("warm_program.py")
_forkers: dict[str, tuple[subprocess.Popen[bytes], socket.socket]] = {}
_starting = threading.Lock()


class WarmProcess:
    """What the tests need of `subprocess.Popen`, and the connection on which the end is told."""

    def __init__(
        self, program: str, arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str], streams: tuple[int, int, int]
    ) -> None:
        """Start `program`, which is `deskhand` or a file (see `warm_program`). The caller closes `streams`."""
        self.args = [program, *arguments]
        self.returncode: int | None = None
        self.connection, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(_forker(program), [b"."], [theirs.fileno(), *streams])
        order = {"arguments": list(arguments), "folder": str(folder), "environment": dict(environment)}
        self.connection.sendall(json.dumps(order).encode() + b"\n")
        self.pid = self._read_number()

    def poll(self) -> int | None:
        """The exit code, negative for a signal, or None as long as it runs."""
        with contextlib.suppress(BlockingIOError):
            self._wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, and return the exit code.

        Raises:
            subprocess.TimeoutExpired: it runs still.
        """
        try:
            return self._wait(timeout)
        except TimeoutError as exc:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0) from exc

    def send_signal(self, sent: signal.Signals) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sent)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _wait(self, seconds: float | None) -> int:
        if self.returncode is None:
            self.connection.settimeout(seconds)
            self.returncode = self._read_number()
            self.connection.close()
        return self.returncode

    def _read_number(self) -> int:
        # Byte by byte: the id and the code may have come together. Each was sent at once, so there is no half of one.
        line = b""
        while not line.endswith(b"\n"):
            piece = self.connection.recv(1)
            if not piece:
                raise RuntimeError(f"{self.args} was not started, or whoever watched it was killed")
            line += piece
        return int(line)


def program_of(command: Sequence[str]) -> tuple[str, list[str]] | None:
    """What `command` runs and with which arguments, as `WarmProcess` takes them; None where it runs something that cannot be warm."""
    match command:
        case [sys.executable, "-m", "deskhand", *arguments]:
            return "deskhand", list(arguments)
        case [sys.executable, script, *arguments] if script == PREPARED:
            return script, list(arguments)
    return None


def _forker(program: str) -> socket.socket:
    """Where to ask for a process of `program`. The forker ends when this process does."""
    # Several servers may be started at once, each in a thread.
    with _starting:
        if program not in _forkers:
            _forkers[program] = _start_forker(program)
        return _forkers[program][1]


def _start_forker(program: str) -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, str(_FORKER), str(theirs.fileno()), program],
            # Telemetry would start a thread, of which a fork keeps the locks alone. Deskhand forbids it too, when it loads the library.
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "ORT_DISABLE_TELEMETRY": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
    return process, ours
