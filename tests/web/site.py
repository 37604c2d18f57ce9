"""A Deskhand of its own for the tests of the page: the real server in a process that can be killed, and a model server beside it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from deskhand.testing.model_server import ModelServer
from deskhand.testing.replies import Reply
from parts.child import ServerProcess

START_SECONDS = 60
ADMIN_KEY = "staff-key-of-the-pages'-tests-which-is-long-enough"


class Model:
    """The model server, on a thread of its own, because the browser's driver holds the test's."""

    def __init__(self) -> None:
        self._server: ModelServer | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="model server", daemon=True)

    @property
    def base_url(self) -> str:
        assert self._server is not None
        return self._server.base_url

    def reply_with(self, *replies: Reply) -> None:
        """Give these to the next requests."""
        assert self._server is not None
        self._loop.call_soon_threadsafe(self._server.reply_with, *replies)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(START_SECONDS)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._server is not None
        asyncio.run_coroutine_threadsafe(self._server.close(), self._loop).result(START_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_SECONDS)
        self._loop.close()

    async def _start(self) -> None:
        self._server = ModelServer()
        await self._server.start()


class Site:
    """One server on one data folder. `kill` and `start` again: the folder stays."""

    def __init__(self, folder: Path, *, port: int, settings: dict[str, str]) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self._folder = folder
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "DESKHAND_API_PORT": str(port),
            "DESKHAND_COMPANY_NAME": "Northwind Outdoor",
            "DESKHAND_RATE_LIMIT_ENABLED": "false",
            "DESKHAND_EVIDENCE_GATE": "off",
            "DESKHAND_ADMIN_API_KEY": ADMIN_KEY,
            **settings,
        }
        self._process: ServerProcess | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "deskhand", "serve"]
        self._process = ServerProcess(command, folder=self._folder, environment=self._environment)
        self._process.wait_until(self._is_ready, seconds=START_SECONDS)

    def create_account(self, email: str, password: str, *options: str) -> None:
        """Beside the running server, as whoever looks after it does."""
        command = [sys.executable, "-m", "deskhand", "staff", "create", email, "--password-stdin", *options]
        subprocess.run(
            command, cwd=self._folder, env=self._environment, input=f"{password}\n", text=True, check=True, timeout=START_SECONDS
        )

    def ask_desk(self, method: str, path: str, body: Any = None) -> Any:
        """What an operator's program asks of the server; returns what is answered."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/api{path}", data=data, method=method)
        request.add_header("X-API-Key", ADMIN_KEY)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=START_SECONDS) as response:
            return json.load(response)

    def kill(self) -> None:
        """As a power cut does: without a word."""
        assert self._process is not None
        self._process.stop(with_signal=signal.SIGKILL)

    def close(self) -> None:
        assert self._process is not None
        self._process.close()

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/health/ready", timeout=5) as response:
                ready: bool = response.status == 200
        except (urllib.error.URLError, OSError):
            return False
        return ready
