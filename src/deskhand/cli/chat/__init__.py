"""`deskhand chat`: a conversation on the terminal, with a server that runs or with one of its own."""

import asyncio
import importlib.util
import sys
from contextlib import ExitStack
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console

from deskhand.cli.chat.client import ChatClient, ServerUnreachable
from deskhand.cli.chat.conversation import Conversation
from deskhand.cli.running import RunningServer, find_server, find_server_at
from deskhand.cli.terminal import output, remarks, start_command
from deskhand.errors import ConfigurationError
from deskhand.settings import Settings


def command(
    url: Annotated[str | None, typer.Option(metavar="URL", help="A server to talk to, such as http://localhost:8080.")] = None,
) -> None:
    """Talk to the agent.

    Without --url this talks to the server that runs where the settings say (DESKHAND_API_HOST, DESKHAND_API_PORT); where none runs, it
    starts Deskhand inside this process, on the same data. /help lists what else can be typed.

    \b
    Examples:
      deskhand chat
      deskhand chat --url https://support.example.com
      echo "How do I reset my password?" | deskhand chat

    Exit codes: 0 everything was answered; 1 there is no server, or a message got no answer (for input that is not typed); 130 interrupted.
    """
    settings = start_command()
    notes = remarks()
    with ExitStack() as opened:
        server = _choose_server(settings, url, opened=opened, notes=notes)
        client = ChatClient(server.url, prefix=settings.api_prefix)
        opened.callback(client.close)
        client.open()
        if sys.stdin.isatty():
            _enable_line_editing()
            notes.print("/help lists what can be typed; Ctrl-D leaves.\n", style="dim")
        conversation = Conversation(client, output=output(), remarks=notes, agent_name=server.name)
        conversation.run()
        if conversation.failures and not sys.stdin.isatty():
            raise typer.Exit(1)


def _choose_server(settings: Settings, url: str | None, *, opened: ExitStack, notes: Console) -> RunningServer:
    if url is not None:
        address = _address(url)
        server = asyncio.run(find_server_at(address))
        if server is None:
            raise ServerUnreachable(f"There is no Deskhand at {address}.")
    else:
        server = asyncio.run(find_server(settings)) if settings.api_port else None
    if server is not None:
        notes.print(f"Talking to {server.name} {server.version} at {server.url}.", style="dim")
        return server
    # Brings the whole server, which a chat with another one does not need.
    from deskhand.cli.chat.embedded import EmbeddedServer  # noqa: PLC0415

    with notes.status("Starting Deskhand …"):
        embedded = EmbeddedServer(settings)
        opened.callback(embedded.stop)
        try:
            server = RunningServer(embedded.start(), settings.app_name, settings.app_version)
        except ConfigurationError as error:
            error.remedy += " To talk to a server that runs at another address, name it with --url."
            raise
    notes.print(f"No server runs at {settings.api_host}:{settings.api_port}, so one runs in this process, on the same data.", style="dim")
    return server


def _address(url: str) -> str:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise typer.BadParameter(f"{url!r} is not the address of a server.", param_hint="--url")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _enable_line_editing() -> None:
    """Arrow keys and history in `input`, where this Python has it."""
    if importlib.util.find_spec("readline") is not None:
        import readline  # noqa: F401, PLC0415 - importing it is what enables it
