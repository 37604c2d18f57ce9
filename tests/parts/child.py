"""Server processes that end with the tests, however the tests end, and leave no files behind."""

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from parts.warm import IS_WARM, WarmProcess, program_of

# Waits for the pipe from pytest to close, which it does even when pytest is killed, then stops the server and removes its folder.
_LEAVE = b"leave\n"
_KEEPER = (
    'read -r word; [ "$word" = leave ] && exit; kill -CONT {pid}; kill -INT {pid}; while kill -0 {pid}; do sleep 0.1; done; rm -rf {folder}'
)


class ServerProcess:
    """One server and its folder, which `close` removes and `stop` leaves."""

    def __init__(
        self, command: Sequence[str], *, folder: Path, user: int | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.log = folder / "log"
        self._process = _start(command, folder=folder, log=self.log, user=user, environment=environment)
        script = _KEEPER.format(pid=self._process.pid, folder=shlex.quote(str(folder)))
        self._keeper = subprocess.Popen(
            ["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def send(self, sent: signal.Signals) -> None:
        """Send a signal and return at once."""
        self._process.send_signal(sent)

    def wait_until(self, ready: Callable[[], bool], *, seconds: float = 30) -> None:
        """Return once `ready` says so.

        Raises:
            RuntimeError: the server ended, or was not ready in time; it is closed, and the message carries its log.
        """
        limit = time.monotonic() + seconds
        while not ready():
            if self._process.poll() is not None or time.monotonic() > limit:
                message = f"{self._process.args!r} did not start:\n{self.log.read_text(errors='replace')}"
                self.close()
                raise RuntimeError(message)
            time.sleep(0.02)

    def stop(self, *, with_signal: signal.Signals = signal.SIGINT) -> None:
        """End the process, thawing it first; its folder stays, so that another can be started on it."""
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(with_signal)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)
        if self._keeper.poll() is None:
            self._keeper.communicate(_LEAVE, timeout=20)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def _start(
    command: Sequence[str], *, folder: Path, log: Path, user: int | None, environment: Mapping[str, str] | None
) -> WarmProcess | subprocess.Popen[bytes]:
    program = program_of(command)
    with log.open("ab") as written, Path(os.devnull).open("rb") as nothing:
        if not IS_WARM or program is None or environment is None:
            return subprocess.Popen(command, cwd=folder, stdin=nothing, stdout=written, stderr=written, user=user, env=environment)
        streams = (nothing.fileno(), written.fileno(), written.fileno())
        return WarmProcess(*program, folder=folder, environment=environment, streams=streams)
