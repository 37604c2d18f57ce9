"""What `deskhand ingest` was pointed at: standard input, files and folders, checkouts, and addresses on the web.

Invariant: each thing that was named is one origin with the one scope that `--sync` compares with, whatever is found in it.
"""

import re
import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import typer

from deskhand.knowledge import MAX_BYTES, SUPPORTED_SUFFIXES, FileSources, SourceDocument, StoredDocument, Tier, UnreadableSource
from deskhand.knowledge.fetch import Checkout, CheckoutFailed, Expansion, Found, SourceFetcher, find_checkout
from deskhand.knowledge.sources import scope_of

STDIN = "-"

_WEB = re.compile(r"(?:git\+)?https?:", re.IGNORECASE)
# What looks like an address and is neither a web address nor a file: `ssh://…`, `git@host:path`.
_OTHER_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://|[\w.-]+@[\w.-]+:", re.IGNORECASE)


@dataclass(slots=True)
class Origin:
    """One thing that was named. `total` is how many documents it has, as far as is known by now; `notes` is what people are told of it."""

    name: str
    scope: str
    sources: FileSources | Sequence[Found] | Expansion | Checkout
    notes: list[str] = field(default_factory=list)

    @property
    def total(self) -> int | None:
        return self.sources.total if isinstance(self.sources, Expansion | Checkout) else len(self.sources)

    def on_this_machine(self) -> FileSources | Sequence[Found]:
        """The sources of what need not be fetched."""
        assert not isinstance(self.sources, Expansion | Checkout), "an address is fetched by a job"
        return self.sources

    def watched(self, look: Callable[[str], None]) -> FileSources | Sequence[Found] | AsyncIterable[Found]:
        """The sources; `look` is told of each that has to be fetched."""
        if isinstance(self.sources, Expansion | Checkout):
            return _watched(self.sources, look)
        return self.sources

    def left_out(self) -> list[str]:
        """What was seen and is no document, in sentences."""
        said = list(self.notes)
        if isinstance(self.sources, FileSources | Checkout) and self.sources.passed_over:
            files = f"{self.sources.passed_over} file{'' if self.sources.passed_over == 1 else 's'}"
            said.append(f"Left out of {self.name}: {files} of kinds that cannot be read here.")
        if isinstance(self.sources, Expansion) and self.sources.repeated:
            said.append(f"Left out of {self.name}: {self.sources.repeated} addresses that lead to pages which other addresses lead to.")
        return said


def is_on_the_web(location: str) -> bool:
    """Whether this is to be fetched.

    Raises:
        BadParameter: it is an address of a kind that is not.
    """
    if _WEB.match(location):
        return True
    if _OTHER_ADDRESS.match(location) and not Path(location).exists():
        raise typer.BadParameter(
            f"'{location}' is not fetched: only http and https addresses are. Clone or copy it, and name the folder.",
            param_hint="SOURCE",
        )
    return False


def name_once(locations: Sequence[str]) -> list[str]:
    """Each location once: what is named twice would fail as its own duplicate. Raises BadParameter."""
    names = {}
    for location in locations:
        named = location if location == STDIN else SourceFetcher.scope_of(location) if is_on_the_web(location) else scope_of(Path(location))
        names[named] = location
    return list(names.values())


def on_the_web(url: str, fetcher: SourceFetcher, *, tier: Tier, known: Sequence[StoredDocument]) -> Origin:
    """What is at `url`; `known` is what is stored of it and need not be fetched. Raises AddressRefused."""
    sources = fetcher.expand(url, tier=tier, known=known)
    return Origin(url, sources.scope, sources)


def on_this_machine(path: Path, *, tier: Tier) -> Origin:
    """A file or a folder. In a checkout, git says which files are meant."""
    notes: list[str] = []
    if path.is_dir():
        try:
            checkout = find_checkout(path)
        except CheckoutFailed as error:
            notes.append(f"{path} is in a Git checkout, but what is ignored there is not known: {error.message}")
        else:
            if checkout is not None:
                files = checkout.files
                sources = FileSources([path.resolve()], tier=tier, walk=lambda _folder: files, address_of=checkout.address_of)
                return Origin(str(path), scope_of(path), sources)
    return Origin(str(path), scope_of(path), FileSources([path], tier=tier), notes)


def on_standard_input(*, tier: Tier, name: str | None, kind: str | None) -> Origin:
    """What comes by standard input. `kind` is an ending or a media type.

    Raises:
        BadParameter: it is not known of which kind it is.
    """
    filename = name or "stdin"
    media_type = kind if kind is not None and "/" in kind else None
    if media_type is not None:
        filename = Path(filename).stem
    elif kind is not None:
        filename = f"{Path(filename).stem}.{kind.removeprefix('.')}"
    if media_type is None and Path(filename).suffix.lower() not in SUPPORTED_SUFFIXES:
        kinds = ", ".join(sorted(suffix.removeprefix(".") for suffix in SUPPORTED_SUFFIXES))
        raise typer.BadParameter(f"Say what standard input holds: one of {kinds}, or a media type.", param_hint="--format")
    scope = f"stdin:{filename}"
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        reason = f"It has more than {MAX_BYTES / 1e6:.1f} MB, which is the most that can be read."
        return Origin(filename, scope, [UnreadableSource(scope, filename, reason, scope)])
    document = SourceDocument(origin=scope, source=filename, filename=filename, data=data, content_type=media_type, tier=tier, scope=scope)
    return Origin(filename, scope, [document])


async def _watched(sources: Expansion | Checkout, look: Callable[[str], None]) -> AsyncIterator[Found]:
    async for source in sources:
        look(source.source)
        yield source
