"""Running the program `git`.

Invariant: what a repository says never makes git run anything: no hooks, no file-system monitor, no filters, no helper for passwords, and
no protocol but http and https. Nothing is asked of the terminal, and every run has an end.
"""

import asyncio
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from deskhand.knowledge.fetch.errors import CheckoutFailed

# The first in which a host can be tied to the addresses that were checked.
_OLDEST: Final = (2, 37)
_SAFE: Final = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.attributesFile": os.devnull,
    "credential.helper": "",
    "protocol.allow": "never",
    "protocol.http.allow": "always",
    "protocol.https.allow": "always",
}
_SECONDS: Final = 30.0
_LONGEST_REASON: Final = 200


def command(arguments: Sequence[str], *, options: Mapping[str, str] | None = None) -> list[str]:
    """The command line of git with safe options, and `options` besides."""
    settings = [part for name, value in {**_SAFE, **(options or {})}.items() for part in ("-c", f"{name}={value}")]
    return ["git", "--no-pager", *settings, *arguments]


def clean_environment(home: Path) -> dict[str, str]:
    """For repositories of others: nothing of this machine's settings, proxies or passwords."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_NO_LAZY_FETCH": "1",
    }


def is_installed() -> bool:
    return shutil.which("git") is not None


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Raises:
    CheckoutFailed: the body took longer than `seconds`, or git ended in the middle of it.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise CheckoutFailed(f"It took longer than {seconds:.0f} seconds to read the repository.") from error
    except (asyncio.IncompleteReadError, BrokenPipeError, ConnectionResetError) as error:
        raise CheckoutFailed("git ended before the repository was read.") from error


@asynccontextmanager
async def started(
    line: Sequence[str], *, environment: Mapping[str, str], stdin: int = asyncio.subprocess.DEVNULL
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process with all that it starts; at the end all of it is gone."""
    process = await asyncio.create_subprocess_exec(
        *line,
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environment),
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            # Reads what is still in the pipes: otherwise they would stay open.
            await process.communicate()


async def output_of(line: Sequence[str], *, environment: Mapping[str, str], seconds: float = _SECONDS) -> bytes:
    """What a run of git prints.

    Raises:
        CheckoutFailed: it failed, or took longer than `seconds`.
    """
    async with started(line, environment=environment) as process, within(seconds):
        out, err = await process.communicate()
    if process.returncode:
        raise CheckoutFailed(f"git could not do it: {reason_of(err)}")
    return out


async def require_git(home: Path) -> None:
    """Raises:
    CheckoutFailed: git is not installed, or too old.
    """
    if not is_installed():
        raise CheckoutFailed("The program 'git' is not installed here, which is needed to fetch a repository.")
    said = (await output_of(["git", "--version"], environment=clean_environment(home))).decode()
    found = re.search(r"(\d+)\.(\d+)", said)
    if found is None or (int(found[1]), int(found[2])) < _OLDEST:
        raise CheckoutFailed(f"git is too old to fetch a repository safely: {_OLDEST[0]}.{_OLDEST[1]} is needed.")


def reason_of(stderr: bytes) -> str:
    """The last thing that git itself complained of, as one short line; what the other side said is left out."""
    lines = [line for line in stderr.decode("utf-8", "replace").splitlines() if line.startswith(("fatal:", "error:"))]
    text = lines[-1].partition(":")[2].strip() if lines else "it did not say why"
    return "".join(character for character in text if character.isprintable())[:_LONGEST_REASON]
