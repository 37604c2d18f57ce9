"""Processes that a test may kill, freeze and start again: `deskhand serve`, and the model server that they ask.

The invariant: a process keeps its port and its folder from one start to the next, and none outlives the tests.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from parts.child import ServerProcess
from parts.ports import find_free_port
from parts.warm import PREPARED

PLAIN = (sys.executable, "-m", "deskhand", "serve")
WITH_EFFECTS = (sys.executable, PREPARED, "serve")
# Bugs are sown before anything is imported, so this one starts cold.
WITH_BUG = (sys.executable, "-u", PREPARED, "serve")
START_SECONDS = 60


def _environment(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Nothing of this machine's but where programs are."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **settings}


def _command_of(checkout: Path) -> tuple[str, ...]:
    own = checkout / ".venv" / "bin" / "python"
    # Not as `PLAIN`, whose imports may have been made beforehand and are the present code's.
    return (str(own) if own.exists() else sys.executable, "-u", "-m", "deskhand", "serve")


class Instance:
    """One `deskhand serve`."""

    def __init__(self, folder: Path, *, command: tuple[str, ...], environment: Mapping[str, str]) -> None:
        folder.mkdir()
        self.folder = folder
        self.port = find_free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self._command = command
        self._environment = _environment(folder, {"DESKHAND_API_PORT": str(self.port), **environment})
        self._process: ServerProcess | None = None
        # Whose plain server its next start runs, in the virtualenv there if there is one; None is the present code.
        self.checkout: Path | None = None

    async def start(self, *, failpoints: str = "") -> None:
        """Start it and wait until it serves, or has been ended by the failpoint."""
        environment = self._environment | ({"DESKHAND_FAILPOINTS": failpoints} if failpoints else {})
        command = self._command
        if self.checkout is not None:
            command = _command_of(self.checkout)
            environment["PYTHONPATH"] = str(self.checkout / "src")
        process = await asyncio.to_thread(ServerProcess, command, folder=self.folder, environment=environment)
        self._process = process
        limit = time.monotonic() + START_SECONDS
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http:
            while not await self._answers(http):
                if process.has_ended and failpoints:
                    return
                if process.has_ended or time.monotonic() > limit:
                    raise RuntimeError(f"{self.folder.name} did not start:\n{self.log}")
                await asyncio.sleep(0.03)

    async def kill(self) -> None:
        await asyncio.to_thread(self._own().stop, with_signal=signal.SIGKILL)

    async def restart(self) -> None:
        await self.kill()
        await self.start()

    async def wait_until_ended(self, *, seconds: float) -> None:
        """Wait until it has ended by itself.

        Raises:
            TimeoutError: it has not.
        """
        async with asyncio.timeout(seconds):
            while not self.has_ended:  # noqa: ASYNC110 - a process tells of its end to nobody but who asks
                await asyncio.sleep(0.005)

    async def freeze(self, seconds: float) -> None:
        self.send(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self.send(signal.SIGCONT)

    def send(self, sent: signal.Signals) -> None:
        self._own().send(sent)

    @property
    def pid(self) -> int:
        return self._own().pid

    @property
    def has_ended(self) -> bool:
        return self._own().has_ended

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")[-5_000:]

    async def close(self) -> None:
        if self._process is not None:
            await asyncio.to_thread(self._process.stop, with_signal=signal.SIGKILL)

    async def _answers(self, http: aiohttp.ClientSession) -> bool:
        try:
            async with http.get(f"{self.base}/health/live") as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    def _own(self) -> ServerProcess:
        assert self._process is not None
        return self._process


class ModelProcess:
    """The model server, whose default answer takes `seconds`."""

    def __init__(self, folder: Path, *, tokens: int, first_ms: int, every_ms: int) -> None:
        folder.mkdir()
        port = find_free_port()
        self.base_url = f"http://127.0.0.1:{port}/v1"
        timing = ["--tokens", str(tokens), "--first-ms", str(first_ms), "--every-ms", str(every_ms)]
        command = [sys.executable, "-m", "deskhand.testing.model_server", "--port", str(port), *timing]
        self._process = ServerProcess(command, folder=folder, environment=_environment(folder, {}))

    def wait_until_ready(self) -> None:
        self._process.wait_until(lambda: self.base_url in self._process.log.read_text(encoding="utf-8", errors="replace"))

    def close(self) -> None:
        self._process.stop(with_signal=signal.SIGKILL)
