"""Imports a program once and becomes it whenever `parts.warm` asks: `python warm_program.py CONTROL PROGRAM`.

CONTROL is the number of an open socket. Each message on it carries four open files: a connection of its own, on which the order comes and
the process id and the exit code go back, and the three standard streams. PROGRAM is `deskhand`, or a file with the functions `prepare` and
`run`. Nothing here starts a thread before it forks.
"""

import atexit
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

import click
import typer

from deskhand.cli import app

# What commands import when they come to it.
LATER = (
    *("alembic.command", "asyncpg", "cryptography.hazmat.primitives.ciphers.aead", "onnxruntime", "redis.asyncio", "tokenizers"),
    *("deskhand.cache.redis", "deskhand.knowledge.fetch", "deskhand.models.openai_chat", "deskhand.persistence.postgresql"),
    *("deskhand.realtime.bus.redis", "deskhand.session_store.redis", "deskhand.api.redis", "deskhand.parsing.unpack"),
)
HANDLES = 4


def load_program() -> None:
    group: Any = typer.main.get_command(app)
    context = click.Context(group)
    for name in group.list_commands(context):
        group.resolve_command(context, [name])
    for name in LATER:
        importlib.import_module(name)


def wait_for_order(control: socket.socket) -> dict[str, Any]:
    """Returns in each process that is to be the program; ends this one when nobody can ask any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        word, handles, *_ = socket.recv_fds(control, 1, HANDLES)
        if not word:
            sys.exit()
        if os.fork() == 0:
            control.close()
            return stand_by(*handles)
        for handle in handles:
            os.close(handle)


def stand_by(line: int, *streams: int) -> dict[str, Any]:
    """Returns in the process that is to be the program. This one tells of its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with socket.socket(fileno=line) as connection:
        with connection.makefile("rb") as orders:
            order: dict[str, Any] = json.loads(orders.readline())
        process = os.fork()
        if process != 0:
            for stream in streams:
                os.close(stream)
            connection.sendall(f"{process}\n".encode())
            status = os.waitpid(process, 0)[1]
            connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
            os._exit(0)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    return order


def end(code: object) -> NoReturn:
    """As the interpreter ends, but for the taking apart of all that was imported, which costs as much as a fork saves."""
    threading._shutdown()
    atexit._run_exitfuncs()
    if isinstance(code, str):
        print(code, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def main() -> NoReturn:
    environment_before = set(os.environ)
    control = socket.socket(fileno=int(sys.argv[1]))
    program = sys.argv[2]
    prepared = {} if program == "deskhand" else runpy.run_path(program, run_name="prepared")
    if prepared:
        prepared["prepare"]()
    load_program()
    order = wait_for_order(control)
    # What the imports have set stays.
    for name in environment_before:
        del os.environ[name]
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    sys.argv = [program, *order["arguments"]]
    try:
        if prepared:
            prepared["run"]()
        else:
            sys.path[0] = order["folder"]
            runpy.run_module("deskhand", run_name="__main__", alter_sys=True)
    except SystemExit as wanted:
        end(wanted.code)
    end(None)


if __name__ == "__main__":
    # The program may be this file's neighbour, and finds its own as it does when it is started.
    sys.path[0] = str(Path(__file__).parents[1])
    main()
