"""A server inside this process, for a chat where none runs: the whole of Deskhand, on a free port of this machine alone."""

import asyncio
import signal
import socket
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from fastapi import FastAPI

from deskhand.app import create_app
from deskhand.cli.serve import DeskhandServer, listen
from deskhand.settings import Settings


class EmbeddedServer:
    """Started by `start`, in a thread of its own. `settings` say where it keeps things; the port is any free one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.model_copy(update={"api_host": "127.0.0.1", "api_port": 0})
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="server")
        self._server: _Server | None = None
        self._running: Future[None] | None = None

    def start(self) -> str:
        """Return the server's address once it answers.

        Raises:
            ConfigurationError: what stops the start; says what to do.
        """
        listening = listen(self._settings)
        self._server = _Server(create_app(self._settings), self._settings)
        self._running = self._executor.submit(self._server.run, [listening])
        wait((self._server.answering, self._running), return_when=FIRST_COMPLETED)
        if self._running.done():
            listening.close()
            self._running.result()
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    def stop(self) -> None:
        """Drain it, as a signal would, and wait for its end."""
        if self._server is not None and self._running is not None and not self._running.done():
            self._server.handle_exit(signal.SIGTERM, None)
            self._running.result()
        self._executor.shutdown()


class _Server(DeskhandServer):
    """Says when it answers."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        super().__init__(app, settings, quiet=True)
        self.answering: Future[None] = Future()

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.run(self.serve(sockets))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answering.set_result(None)
