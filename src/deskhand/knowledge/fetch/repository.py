"""Git repositories of other machines: fetched once, read without being checked out.

Invariant: git connects to the addresses that were checked and to no others, follows no redirect, and nothing of the repository is ever a
file of this machine but git's own packed objects. So neither a link, nor a filter, nor a tree that unfolds without end can do anything.
"""

import asyncio
import re
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from yarl import URL

from deskhand.errors import DeskhandError
from deskhand.knowledge.documents import SourceDocument, Tier, UnreadableSource
from deskhand.knowledge.fetch import git
from deskhand.knowledge.fetch.addresses import find_literal, parse_url
from deskhand.knowledge.fetch.connecting import CheckedResolver, Forbidden
from deskhand.knowledge.fetch.errors import AddressRefused, CheckoutFailed
from deskhand.knowledge.fetch.forges import Forge, find_forge
from deskhand.knowledge.fetch.http import USER_AGENT, refused
from deskhand.parsing.kinds import SUPPORTED_SUFFIXES

MOST_FILES: Final = 50_000
_MOST_ENTRIES: Final = 1_000_000
_CLONE_SECONDS: Final = 600.0
_LARGEST_PACK_BLOCKS: Final = 4_000_000  # of 512 bytes
_LONGEST_LINE: Final = 65_536
_ADDRESS: Final = re.compile(r"(?P<git>git\+)?(?P<url>https?://[^#]+?)(?:#(?P<ref>[^:]*)(?::(?P<folder>.*))?)?\Z", re.DOTALL)
_REF: Final = re.compile(r"(?!-)[\w./+-]{1,200}\Z")
_ENTRY: Final = re.compile(rb"100(?:644|755|664) blob ([0-9a-f]{40,64}) +(\d+)\t(.+)\Z", re.DOTALL)
_LFS: Final = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class Repository:
    """A branch or tag of a repository, and the folder of it that is wanted. Empty: its default branch, and all of it."""

    url: URL
    ref: str = ""
    folder: str = ""

    @property
    def scope(self) -> str:
        return f"{self.url}#{self.ref}:{self.folder}" if self.ref or self.folder else str(self.url)


@dataclass(frozen=True, slots=True)
class _File:
    blob: str
    size: int
    path: str


def find_repository(text: str) -> Repository | None:
    """The repository of an address as `https://host/name.git#branch:folder` or `git+https://host/name`; `None` if it is another address.

    Raises:
        AddressRefused: it is one, and not such as is fetched.
    """
    match = _ADDRESS.match(text.strip())
    if match is None or not (match["git"] or match["url"].partition("?")[0].rstrip("/").endswith(".git")):
        return None
    ref, folder = match["ref"] or "", (match["folder"] or "").strip("/")
    if (ref and (not _REF.match(ref) or ".." in ref)) or ".." in PurePosixPath(folder).parts or not folder.isprintable():
        raise AddressRefused("The branch or folder after '#' is not one that git knows.", support="Write it as #branch or #branch:folder.")
    return Repository(parse_url(match["url"].rstrip("/")), ref, folder)


class Checkout:
    """The documents of a repository, in order of their paths; iterate once. `total` is how many there are, `None` until it is known.

    `passed_over` counts files of kinds that cannot be read.
    """

    def __init__(self, repository: Repository, resolver: CheckedResolver, *, tier: Tier, max_bytes: int) -> None:
        self.scope = repository.scope
        self.total: int | None = None
        self.repeated = 0
        self.passed_over = 0
        self._repository = repository
        self._resolver = resolver
        self._tier = tier
        self._max_bytes = max_bytes

    async def __aiter__(self) -> AsyncGenerator[SourceDocument | UnreadableSource]:
        with tempfile.TemporaryDirectory(prefix="deskhand-git-") as folder:
            home = Path(folder)
            try:
                await self._clone(home)
                forge = find_forge(str(self._repository.url), ref=await self._branch(home))
                files = await self._list(home)
                self.total = len(files)
                async with aclosing(self._read(home, files, forge)) as found:
                    async for source in found:
                        yield source
            except DeskhandError as error:
                self.total = (self.total or 0) + 1
                yield UnreadableSource(self.scope, str(self._repository.url), error.message, self.scope)

    async def _clone(self, home: Path) -> None:
        await git.require_git(home)
        url = self._repository.url
        branch = ["--branch", self._repository.ref] if self._repository.ref else []
        line = git.command(
            [
                "clone",
                "--quiet",
                "--bare",
                "--depth=1",
                "--single-branch",
                "--no-tags",
                "--template=",
                *branch,
                "--",
                str(url),
                str(home / "r"),
            ],
            options={
                **await self._pinned(url),
                "http.followRedirects": "false",
                "http.proxy": "",
                "http.userAgent": USER_AGENT,
                "http.lowSpeedLimit": "1000",
                "http.lowSpeedTime": "30",
                "core.bigFileThreshold": "50m",
            },
        )
        # A pack without end would fill the disk.
        limited = ["sh", "-c", f'ulimit -f {_LARGEST_PACK_BLOCKS} && exec "$@"', "sh", *line]
        await git.output_of(limited, environment=git.clean_environment(home), seconds=_CLONE_SECONDS)

    async def _pinned(self, url: URL) -> dict[str, str]:
        """The option that ties the host to its checked addresses. Raises AddressRefused, CheckoutFailed."""
        host, port = url.raw_host or "", url.port or 0
        try:
            addresses = await self._resolver.addresses_of(host, port)
        except Forbidden as error:
            raise refused(url) from error
        except OSError as error:
            raise CheckoutFailed("There is no host of this name.") from error
        if find_literal(host) is not None:
            return {}
        listed = ",".join(f"[{address}]" if address.version == 6 else str(address) for address in addresses)
        return {"http.curloptResolve": f"{host}:{port}:{listed}"}

    async def _branch(self, home: Path) -> str:
        out = await self._git(home, "symbolic-ref", "--quiet", "--short", "HEAD") if not self._repository.ref else b""
        return out.decode().strip() or self._repository.ref

    async def _git(self, home: Path, *arguments: str) -> bytes:
        return await git.output_of(self._line(home, *arguments), environment=git.clean_environment(home))

    def _line(self, home: Path, *arguments: str) -> list[str]:
        return git.command(["-C", str(home / "r"), *arguments])

    async def _list(self, home: Path) -> list[_File]:
        """The files that can be read. Raises CheckoutFailed."""
        folder = self._repository.folder
        line = self._line(home, "ls-tree", "-r", "-z", "-l", "--full-tree", f"HEAD:{folder}" if folder else "HEAD")
        files: list[_File] = []
        entries = 0
        async with git.started(line, environment=git.clean_environment(home)) as process, git.within(_CLONE_SECONDS):
            async for entry in _split(process):
                entries += 1
                file = _file_of(entry, folder=folder)
                if entries > _MOST_ENTRIES or len(files) > MOST_FILES:
                    raise CheckoutFailed(f"The repository has more than {MOST_FILES} documents. Name a folder of it.")
                if file is None:
                    self.passed_over += 1
                else:
                    files.append(file)
            _, err = await process.communicate()
        if process.returncode:
            raise CheckoutFailed(f"git could not do it: {git.reason_of(err)}")
        return files

    async def _read(self, home: Path, files: list[_File], forge: Forge | None) -> AsyncGenerator[SourceDocument | UnreadableSource]:
        line = self._line(home, "cat-file", "--batch")
        async with git.started(line, environment=git.clean_environment(home), stdin=asyncio.subprocess.PIPE) as process:
            for file in files:
                if file.size > self._max_bytes:
                    reason = f"It has {file.size / 1e6:.1f} MB; at most {self._max_bytes / 1e6:.1f} MB can be read."
                    yield self._unreadable(file, reason)
                    continue
                data = await _blob(process, file)
                if data.startswith(_LFS):
                    yield self._unreadable(file, "It is kept in Git LFS, which is not fetched.")
                else:
                    yield self._document(file, data, forge)

    def _document(self, file: _File, data: bytes, forge: Forge | None) -> SourceDocument:
        return SourceDocument(
            origin=self._origin(file),
            source=self._shown(file),
            filename=PurePosixPath(file.path).name,
            data=data,
            url=forge.address_of(file.path) if forge is not None else None,
            tier=self._tier,
            scope=self.scope,
        )

    def _unreadable(self, file: _File, reason: str) -> UnreadableSource:
        return UnreadableSource(self._origin(file), self._shown(file), reason, self.scope)

    def _origin(self, file: _File) -> str:
        return f"{self._repository.url}#{self._repository.ref}:{file.path}"

    def _shown(self, file: _File) -> str:
        return f"{self._repository.url.name.removesuffix('.git')}/{file.path}"


def _file_of(entry: bytes, *, folder: str) -> _File | None:
    """A file that can be read and is not hidden; links and submodules are none."""
    match = _ENTRY.match(entry)
    if match is None:
        return None
    name = match[3].decode("utf-8", "replace")
    path = PurePosixPath(folder, name)
    if path.suffix.lower() not in SUPPORTED_SUFFIXES or any(part.startswith(".") for part in path.parts):
        return None
    return _File(match[1].decode(), int(match[2]), path.as_posix())


async def _split(process: asyncio.subprocess.Process) -> AsyncIterator[bytes]:
    """What a process prints, at its NUL characters. Raises CheckoutFailed when one is missing for too long."""
    assert process.stdout is not None
    rest = b""
    while piece := await process.stdout.read(_LONGEST_LINE):
        *whole, rest = (rest + piece).split(b"\0")
        for entry in whole:
            yield entry
        if len(rest) > _LONGEST_LINE:
            raise CheckoutFailed("A path in the repository is too long.")


async def _blob(process: asyncio.subprocess.Process, file: _File) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    async with git.within(_CLONE_SECONDS):
        process.stdin.write(f"{file.blob}\n".encode())
        await process.stdin.drain()
        await process.stdout.readline()
        data = await process.stdout.readexactly(file.size)
        await process.stdout.readexactly(1)
    return data
