"""`deskhand serve`: the HTTP server around the application.

The invariant: on a signal readiness says "draining" at once and the streams end within a second, while the port still answers; only then
does the server stop accepting. Everything ends within 15 s.
"""

import asyncio
import errno
import signal
import socket
import sys
from types import FrameType
from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI

from deskhand import failpoints
from deskhand.api.assembled import Services
from deskhand.app import create_app
from deskhand.cli.protocols import HttpProtocol, WebSocketProtocol
from deskhand.errors import ConfigurationError
from deskhand.settings import Settings, load_settings
from deskhand.staff import FIRST_ADMIN
from deskhand.staff.secret_file import ADMIN_KEY_FILE
from deskhand.telemetry import bound_kept_memory, configure_logging, spare_what_stays

_GRACEFUL_SECONDS = 3
# More than any system keeps waiting: it is the system that bounds it. Whoever is turned away while we start comes back seconds later.
_BACKLOG = 65_535
# In each round of its loop, libuv takes a single connection from a socket, however many wait there.
_DOORS = 16


def command(
    host: Annotated[str | None, typer.Option(help="The address to listen on; 0.0.0.0 for all. [DESKHAND_API_HOST]")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="The port; 0 for any free one. [DESKHAND_API_PORT]")] = None,
) -> None:
    """Serve the API and the chat page.

    Stop it with Ctrl+C: running answers get some time to finish, and nothing is lost.

    \b
    Examples:
      deskhand serve
      deskhand serve --host 0.0.0.0 --port 9000
      DESKHAND_MODEL=openai:gpt-4.1-mini DESKHAND_MODEL_API_KEY=… deskhand serve

    Exit codes: 0 stopped; 1 it cannot start, and says why.
    """
    overrides: dict[str, str | int] = {}
    if host is not None:
        overrides["api_host"] = host
    if port is not None:
        overrides["api_port"] = port
    settings = load_settings(**overrides)
    bound_kept_memory()
    configure_logging(settings)
    failpoints.arm(failpoints.parse(settings.failpoints))
    listening = listen(settings)
    app = create_app(settings)
    DeskhandServer(app, settings).run(sockets=[listening])


class DeskhandServer(uvicorn.Server):
    """Starts the application itself, so that what stops the start is raised here, and drains it before it stops listening."""

    def __init__(self, app: FastAPI, settings: Settings, *, quiet: bool = False) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="auto",
                http=HttpProtocol,
                ws=WebSocketProtocol,
                ws_max_size=settings.request_max_bytes,
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                access_log=False,
                # Who a proxy says the client is, is decided by `api.client`, for the proxies named in the settings.
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACEFUL_SECONDS,
                backlog=_BACKLOG,
            )
        )
        self._application = app
        self._quiet = quiet
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        async with self._application.router.lifespan_context(self._application):
            await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([door for listening in sockets for door in _doors_of(listening)] if sockets else sockets)
        if self.started and sockets and not self._quiet:
            # A server that is quiet is part of another program, whose objects come and go.
            spare_what_stays()
            _print_banner(self._services, port=sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        draining = asyncio.ensure_future(self._services.drain())
        while not draining.done() and not self.force_exit:
            await asyncio.wait({draining}, timeout=0.1)
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature is uvicorn's
        # Not uvicorn's own: it raises the signal again once the connections are closed, and SIGTERM would end the process before the
        # application has closed what it opened.
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._services.turns.stop_streams)

    @property
    def _services(self) -> Services:
        services: Services = self._application.state.services
        return services


def _doors_of(listening: socket.socket) -> list[socket.socket]:
    """The socket, and others that take from the same queue."""
    return [listening, *(listening.dup() for _ in range(_DOORS - 1))]


def listen(settings: Settings) -> socket.socket:
    """A socket that listens already, so that a busy port is told at once and nobody who connects while we start is refused.

    Raises:
        ConfigurationError: the address cannot be listened on; says why.
    """
    address = f"{settings.api_host}:{settings.api_port}"
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            settings.api_host, settings.api_port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        listening.listen(_BACKLOG)
    except (socket.gaierror, UnicodeError) as error:
        raise ConfigurationError(
            f"DESKHAND_API_HOST: {settings.api_host!r} is not an address of this machine.", support="Use 127.0.0.1, or 0.0.0.0 for all."
        ) from error
    except OSError as error:
        match error.errno:
            case errno.EADDRINUSE:
                raise ConfigurationError(
                    f"Port {settings.api_port} on {settings.api_host} is in use by another program.",
                    support="Stop that program, or choose another port with --port or DESKHAND_API_PORT.",
                ) from error
            case errno.EACCES:
                raise ConfigurationError(
                    f"This user may not listen on {address}.", support="Choose a port from 1024 up with --port or DESKHAND_API_PORT."
                ) from error
            case _:
                raise ConfigurationError(
                    f"Cannot listen on {address}: {error.strerror}.", support="Choose another --host or --port."
                ) from error
    listening.setblocking(False)
    return listening


def _print_banner(services: Services, *, port: int) -> None:
    """Where to click, once it really answers."""
    settings = services.settings
    host = {"0.0.0.0": "localhost", "::": "localhost"}.get(settings.api_host, settings.api_host)  # noqa: S104 - compared, not bound
    base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    rows = [
        ("Chat page", f"{base}/chat"),
        ("Console", f"{base}/console"),
        ("API", f"{base}{settings.api_prefix}"),
        ("Health", f"{base}/health/ready"),
    ]
    if settings.debug:
        rows.append(("API docs", f"{base}/docs"))
    if services.first_admin.password is not None:
        rows.append(("Sign in as", f"{FIRST_ADMIN}, with the password {services.first_admin.password}   (shown this once)"))
    if settings.admin_api_key is None and services.admin_key is not None:
        rows.append(("Staff key", f"{services.admin_key}   (for programs; kept in {settings.data_dir / ADMIN_KEY_FILE})"))
    bold, dim, blue, reset = ("\x1b[1m", "\x1b[2m", "\x1b[34m", "\x1b[0m") if sys.stdout.isatty() else ("", "", "", "")
    lines = [
        f"\n  {bold}{settings.app_name} {settings.app_version}{reset} {dim}({settings.environment.value}){reset}\n",
        *(f"  {dim}{name:<10}{reset} {blue if value.startswith('http') else ''}{value}{reset}" for name, value in rows),
        f"\n  {dim}Stop it with Ctrl+C.{reset}\n",
    ]
    print("\n".join(lines), flush=True)
