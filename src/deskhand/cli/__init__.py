"""The command line. Each command is a file of this package; adding one is that file and one line in `_COMMANDS`.

The invariant: an error a person can do something about ends with its message and what to do, on standard error, and a code: 1 for an error,
2 for wrong usage, 130 when interrupted. A traceback is for debugging only.
"""

import errno
import gc
import importlib
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

import deskhand
from deskhand.errors import DeskhandError

# Each command: the module that has it as the function `command`, and its line in the help. Of these modules, only that of the command
# which is run is imported.
_COMMANDS: Final = {
    "serve": ("deskhand.cli.serve", "Serve the API and the chat page."),
    "ask": ("deskhand.cli.ask", "Ask one question and print the answer with its sources."),
    "chat": ("deskhand.cli.chat", "Talk to the agent."),
    "backup": ("deskhand.cli.backup", "Write everything the database holds to one file."),
    "doctor": ("deskhand.cli.doctor", "Check the installation and say what is wrong with it."),
    "eval": ("deskhand.cli.evaluate", "Measure how good the answers are."),
    "ingest": ("deskhand.cli.ingest", "Put documents into the knowledge base."),
    "knowledge": ("deskhand.cli.knowledge", "List, show, change and delete documents."),
    "loadtest": ("deskhand.cli.loadtest", "Let customers talk to a running server, and measure it."),
    "migrate": ("deskhand.cli.migrate", "Set up or update the tables of the database."),
    "restore": ("deskhand.cli.restore", "Put a backup back."),
    "staff": ("deskhand.cli.staff", "Look after accounts and the audit log."),
    "openapi": ("deskhand.cli.openapi", "Print the OpenAPI document of the API."),
}
# Those of them that have commands of their own, and have these as `group`.
_GROUPS: Final = frozenset({"knowledge", "staff"})

_EXIT_ERROR = 1
_EXIT_INTERRUPTED = 130
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class _LazyGroup(TyperGroup):
    _wanted: str | None = None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        self._wanted = args[0] if args else None
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is click's
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the signature is click's
        if cmd_name not in _COMMANDS:
            return None
        module, summary = _COMMANDS[cmd_name]
        if cmd_name != self._wanted:
            return _to_command(cmd_name, _not_loaded, help=summary)
        if cmd_name in _GROUPS:
            return typer.main.get_command(_import(module).group)
        return _to_command(cmd_name, _import(module).command)


def _import(name: str) -> Any:
    """Import a module for good. Looking for garbage in what it makes, again and again, is an eighth of the time until a server answers."""
    if name in sys.modules:
        return sys.modules[name]
    # Otherwise pydantic reads what every installed package says of itself, in search of plugins that nobody asked for.
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    gc.disable()
    try:
        _import_structlog()
        with _schemas_when_used():
            return importlib.import_module(name)
    finally:
        # Otherwise the next collection looks through all of it at once.
        gc.freeze()
        gc.enable()


def _import_structlog() -> None:
    """Import structlog without rich and pygments, which it loads to draw tracebacks: most of its time, and no log is drawn here."""
    if "rich" in sys.modules or "structlog" in sys.modules:
        return
    # What is None here cannot be imported, which structlog takes for not being installed.
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        importlib.import_module("structlog")
    finally:
        del sys.modules["rich"]


@contextmanager
def _schemas_when_used() -> Iterator[None]:
    """What is imported within studies no model before its first use. Those with which FastAPI describes an API are a third of its import,
    and a server that is not asked for the description needs none of them."""
    from pydantic import BaseModel  # noqa: PLC0415 - most of the time of `--help`, which needs none

    BaseModel.model_config["defer_build"] = True
    try:
        yield
    finally:
        del BaseModel.model_config["defer_build"]


def _not_loaded() -> None:
    """Stands for a command in the help of the whole."""


def _to_command(name: str, function: Any, **options: Any) -> Any:
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(name=name, **options)(function)
    command = typer.main.get_command(single)
    command.name = name
    return command


app = typer.Typer(
    cls=_LazyGroup,
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"deskhand {deskhand.__version__}")
        raise typer.Exit


@app.callback()
def _deskhand(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Deskhand answers your customers from your documents, with sources, and hands over to people.

    Settings are environment variables that begin with DESKHAND_, or lines of the same form in the file .env.
    """


def main() -> None:
    """The program `deskhand`."""
    _complete_streams()
    try:
        _run()
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        _close_output()
        print(
            f"deskhand: {error.filename or 'The output'} cannot be written: {error.strerror}.\nWrite elsewhere, or make room.",
            file=sys.stderr,
        )
        sys.exit(_EXIT_ERROR)


def _run() -> None:
    try:
        app()
    except SystemExit:
        _flush()
        raise
    except DeskhandError as error:
        if _is_debugging():
            raise
        print(f"deskhand: {error.message}\n{error.remedy}", file=sys.stderr)
        sys.exit(_EXIT_ERROR)
    except KeyboardInterrupt:
        sys.exit(_EXIT_INTERRUPTED)
    except BrokenPipeError:
        _close_output()
        sys.exit(_EXIT_ERROR)


def _complete_streams() -> None:
    """A stream that whoever started us has closed reads and writes nothing; what a terminal has no letter for is written as `\\u203a`."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            # The lowest number that is free, which is this one: otherwise the next file that is opened would be taken for the stream.
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115 - to the end
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.encoding != "utf-8":
        sys.stdout.reconfigure(errors="backslashreplace")


def _flush() -> None:
    """Write what is left while a reader that has gone, as in `deskhand openapi | head`, can still be answered with silence."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _close_output()
        sys.exit(_EXIT_ERROR)


def _close_output() -> None:
    # Python flushes once more at the end, and would complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_debugging() -> bool:
    from deskhand.settings import load_settings  # noqa: PLC0415 - only on the way to an error

    try:
        return load_settings().debug
    except DeskhandError:
        return False
