"""Git repositories on this machine: which files of a folder belong to it, and where they can be read in a browser.

Invariant: git only says which files there are. What it ignores, and what it could not be asked, is left to the caller to tell people.
"""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deskhand.knowledge.fetch import git
from deskhand.knowledge.fetch.errors import CheckoutFailed
from deskhand.knowledge.fetch.forges import Forge, find_forge

_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class LocalCheckout:
    """A folder in a checkout. `files` are those that git does not ignore, in order, hidden ones left out; `tracked` those it keeps."""

    top: Path
    files: tuple[Path, ...]
    tracked: frozenset[Path]
    forge: Forge | None

    def address_of(self, path: Path) -> str | None:
        """Where a file can be read in a browser."""
        if self.forge is None or path not in self.tracked:
            return None
        return self.forge.address_of(path.relative_to(self.top).as_posix())


def find_checkout(folder: Path) -> LocalCheckout | None:
    """The checkout that `folder` is, or is in; `None` if it is in none, or is ignored there.

    Raises:
        CheckoutFailed: it is in one, and git is not installed or does not want to read it.
    """
    folder = folder.resolve()
    if not any((parent / ".git").exists() for parent in (folder, *folder.parents)):
        return None
    if not git.is_installed():
        raise CheckoutFailed("The program 'git' is not installed here.")
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top is None:
        return None
    if _git(folder, "check-ignore", "--quiet", ".", failing=(1,)) is not None and Path(top) != folder:
        return None
    tracked = _paths(folder, "--cached")
    files = sorted({*tracked, *_paths(folder, "--others", "--exclude-standard")})
    return LocalCheckout(
        top=Path(top),
        files=tuple(path for path in files if path.is_file() and not path.is_symlink()),
        tracked=frozenset(tracked),
        forge=_forge(folder),
    )


def _paths(folder: Path, *which: str) -> list[Path]:
    out = _git(folder, "ls-files", "-z", *which) or ""
    names = [name for name in out.split("\0") if name]
    return [folder / name for name in names if not any(part.startswith(".") for part in Path(name).parts)]


def _forge(folder: Path) -> Forge | None:
    """The forge that has the branch which this one follows; what was never pushed cannot be read there."""
    upstream = _git(folder, "rev-parse", "--abbrev-ref", "--symbolic-full-name", "@{upstream}", failing=(128,))
    if not upstream:
        return None
    remote, _, branch = upstream.partition("/")
    address = _git(folder, "remote", "get-url", remote, failing=(2, 128))
    return find_forge(address, ref=branch) if address else None


def _git(folder: Path, *arguments: str, failing: Sequence[int] = ()) -> str | None:
    """What git prints, without the line break at its end; `None` if it ends with one of `failing`. Raises CheckoutFailed."""
    line = git.command(["-C", str(folder), *arguments])
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(line, capture_output=True, timeout=_SECONDS, check=False, env=environment)  # noqa: S603 - our own command
    except subprocess.TimeoutExpired as error:
        raise CheckoutFailed(f"git took longer than {_SECONDS} seconds.") from error
    if done.returncode in failing:
        return None
    if done.returncode:
        raise CheckoutFailed(f"git could not do it: {git.reason_of(done.stderr)}")
    return os.fsdecode(done.stdout).removesuffix("\n")
