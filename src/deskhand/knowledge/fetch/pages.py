"""An answer as a document: what kind it is, what it is called, and which address is shown to people.

Invariant: the kind is decided by the media type that the server gives; the ending of the address decides only where the server gives none
that says anything. A page can name another address for itself on its own site alone.
"""

import re
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import unquote

from yarl import URL

from deskhand.errors import UnsupportedKind
from deskhand.knowledge.documents import SourceDocument, StoredDocument, Tier
from deskhand.knowledge.fetch.addresses import parse_url
from deskhand.knowledge.fetch.crawler import Validators
from deskhand.knowledge.fetch.errors import AddressRefused
from deskhand.knowledge.fetch.http import Answer
from deskhand.parsing.kinds import SUPPORTED_SUFFIXES

# Where a document keeps how it was fetched; no part of its content, so a change of it alone changes nothing.
FETCHED: Final = "fetched"
_SUFFIXES: Final = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/markdown": ".md",
    "text/x-markdown": ".md",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/json": ".json",
    "text/json": ".json",
    "application/jsonl": ".jsonl",
    "application/x-ndjson": ".jsonl",
    "application/pdf": ".pdf",
    "application/epub+zip": ".epub",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/vnd.ms-outlook": ".msg",
    "message/rfc822": ".eml",
    "application/zip": ".zip",
    "application/x-zip-compressed": ".zip",
    "application/xml": ".xml",
    "text/xml": ".xml",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/tiff": ".tiff",
}
# Said of whatever a server has no better name for; the ending of the address then says more.
_VAGUE: Final = frozenset({"", "text/plain", "application/octet-stream", "binary/octet-stream", "application/x-download"})
_SITEMAPS: Final = frozenset({"application/xml", "text/xml", "application/gzip", "application/x-gzip", *_VAGUE})
_HEAD_CHARACTERS: Final = 200_000
_LINK: Final = re.compile(r"<link\b([^<>]{1,2000})>", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"""([a-z-]{1,20})\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_LONGEST_NAME: Final = 120


def filename_of(answer: Answer) -> str:
    """What the document is called as a file, with the ending of its kind.

    Raises:
        UnsupportedKind: this is no kind that can be read here.
    """
    media = (answer.content_type or "").split(";")[0].strip().lower()
    path = PurePosixPath(unquote(answer.url.raw_path, errors="replace").replace("\x00", ""))
    ending = path.suffix.lower()
    if media in _VAGUE:
        suffix = ending if ending in SUPPORTED_SUFFIXES else ".txt" if media == "text/plain" else ""
    else:
        suffix = _SUFFIXES.get(media, "")
    if suffix not in SUPPORTED_SUFFIXES:
        what = f"'{media[:80]}'" if media else "a kind that the site does not name"
        raise UnsupportedKind(f"The page is of {what}, which cannot be read here.", details={"content_type": media[:80]})
    stem = path.stem if ending else path.name
    return f"{stem[:_LONGEST_NAME] or answer.url.raw_host}{suffix}"


def require_readable(answer: Answer) -> None:
    """Raises UnsupportedKind."""
    filename_of(answer)


def require_readable_or_sitemap(answer: Answer) -> None:
    """Raises UnsupportedKind."""
    media = (answer.content_type or "").split(";")[0].strip().lower()
    if media not in _SITEMAPS:
        require_readable(answer)


def document_of(requested: URL, answer: Answer, *, tier: Tier, scope: str | None) -> SourceDocument:
    """The document at `requested`, whose `answer` may be that of another address. Raises UnsupportedKind."""
    final = str(answer.url)
    return SourceDocument(
        origin=str(requested),
        source=str(requested.human_repr()),
        filename=filename_of(answer),
        data=answer.body,
        content_type=answer.content_type,
        url=canonical_of(answer) or final,
        tier=tier,
        scope=scope or str(requested),
        metadata={FETCHED: fetched(requested, answer)},
    )


def fetched(requested: URL, answer: Answer) -> dict[str, str]:
    """How a document was fetched, for `validators_of` to find again."""
    given = {
        "from": str(requested),
        "url": str(answer.url),
        "etag": answer.headers.get("ETag"),
        "last_modified": answer.headers.get("Last-Modified"),
    }
    return {name: value for name, value in given.items() if value}


def requested_of(document: StoredDocument) -> str | None:
    """The address that a stored document was fetched by; `None` if it was not fetched."""
    kept: Any = document.metadata.get(FETCHED)
    return str(kept["from"]) if kept is not None else None


def validators_of(document: StoredDocument) -> Validators | None:
    """What to recognise a stored document by; `None` if its server gave nothing."""
    kept: Any = document.metadata.get(FETCHED)
    if kept is None or not (kept.get("etag") or kept.get("last_modified")):
        return None
    return Validators(kept["url"], kept.get("etag"), kept.get("last_modified"))


def canonical_of(answer: Answer) -> str | None:
    """The address that an HTML page gives as its own, if that is on the same site."""
    if not filename_of(answer).endswith(".html"):
        return None
    head = _without_comments(answer.body[:_HEAD_CHARACTERS].decode("ascii", "replace"))
    for link in _LINK.finditer(head):
        attributes = {name.lower(): double or single or bare for name, double, single, bare in _ATTRIBUTE.findall(link.group(1))}
        if "canonical" in attributes.get("rel", "").lower().split() and attributes.get("href"):
            return _on_same_site(attributes["href"], answer.url)
    return None


def _without_comments(html: str) -> str:
    kept: list[str] = []
    place = 0
    while (start := html.find("<!--", place)) >= 0:
        kept.append(html[place:start])
        end = html.find("-->", start)
        if end < 0:
            return "".join(kept)
        place = end + 3
    return "".join([*kept, html[place:]])


def is_same_site(one: URL, other: URL) -> bool:
    """Whether two addresses are of one site: the same host, with or without `www.`."""
    return _site(one) == _site(other)


def _site(url: URL) -> str:
    return (url.raw_host or "").removesuffix(".").removeprefix("www.")


def _on_same_site(href: str, page: URL) -> str | None:
    try:
        url = parse_url(href.replace("&amp;", "&"), base=page)
    except AddressRefused:
        return None
    return str(url) if is_same_site(url, page) else None
