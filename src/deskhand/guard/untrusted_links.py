"""Addresses in an answer: only those that a trusted document holds stay links, whatever the model wrote and whoever made it do so.

A link that someone clicks, or an image that a page loads, carries data out in its address (CVE-2025-32711, CVE-2025-59145). So the
invariant: no address leaves this filter that is not, letter for letter, in the evidence, or at a host that the company named; no image
leaves it at all, and no tag of HTML that is not in the evidence. What is not let through is shown as text, with the whole host.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from html import unescape
from typing import Final
from urllib.parse import urlsplit

_LONGEST_HELD: Final = 2_048
_LONGEST_SCHEME: Final = 12
_ADDRESS: Final = re.compile(
    # Any scheme before two slashes, or none; browsers read a backslash as a slash, and Markdown takes one away before a mark.
    r"(?:\b[a-z][a-z0-9+.-]{1,20}\\?:|(?<![\w/\\]))(?:\\?/|\\){2}[^\s<>\"'`\u00ab\u00bb\u201c\u201d]+|\bwww\\?\.[^\s<>\"'`]+|"
    r"\b(?:https?|ftp|wss?|javascript|vbscript|data|file|blob|mailto|tel|sms)\\?:[^\s<>\"'`]+",
    re.IGNORECASE,
)
# What may be the beginning of an address, as the end of a text that goes on.
_SCHEMES: Final = (
    "http:",
    "https:",
    "www.",
    "ftp:",
    "ws:",
    "wss:",
    "javascript:",
    "vbscript:",
    "data:",
    "file:",
    "blob:",
    "mailto:",
    "tel:",
    "sms:",
)
_TAIL: Final = re.compile(r"[a-z]+\.?$")
_IN_ADDRESS: Final = re.compile(r"[/\\:&]|www\.")
_LINK: Final = re.compile(
    r"(!?)\[((?:[^\[\]\\]|\\.|\[[^\[\]]*\]){0,500})\]\(\s*<?([^()\s<>]*(?:\([^()\s]*\)[^()\s<>]*)*)>?(?:\s+[\"'(][^)]*)?\s*\)"
)
_TAG: Final = re.compile(r"<(/?[a-z!?][^<>]{0,1000}>?)", re.IGNORECASE)
_BEGIN: Final = re.compile(r"!?\[|<[a-z/!?]|[!<]$", re.IGNORECASE)
_MARKS: Final = re.compile(r"[/:<\[&\\]|www", re.IGNORECASE)
_LEADS_OUT: Final = re.compile(r"[/\\]{2}|:|\\[/:]|www", re.IGNORECASE)
_NO_HOST: Final = re.compile(r"(?:javascript|vbscript|data|file|blob)\\?:", re.IGNORECASE)
_BRACKET: Final = re.compile(r"[\[\]]")
_REFERENCE: Final = re.compile(r"!\[")
_END: Final = ".,;:!?\u2026*_~'\")]}\u3002\uff0c"


class LinkFilter:
    """Feed it an answer piece by piece; it returns what may be shown. It holds back a word or a link that is not whole yet.

    `evidence` gives the trusted texts as they are when it is asked; `hosts` may always be linked to.
    """

    __slots__ = ("_evidence", "_held", "_hosts", "withheld")

    def __init__(self, evidence: Callable[[], Iterable[str]], *, hosts: Iterable[str] = ()) -> None:
        self._evidence = evidence
        self._hosts = frozenset(host.lower().rstrip(".") for host in hosts)
        self._held = ""
        self.withheld: list[str] = []
        """The hosts of addresses that were shown as text."""

    def feed(self, text: str) -> str:
        text = self._held + text
        at = _safe_end(text)
        if len(text) - at > _LONGEST_HELD:
            at = len(text)
        self._held = text[at:]
        return self._filtered(text[:at])

    def flush(self) -> str:
        held, self._held = self._held, ""
        return self._filtered(held)

    def _filtered(self, text: str) -> str:
        if not _MARKS.search(text):
            return text
        kept: list[str] = []
        at = 0
        for match in _LINK.finditer(text):
            kept += [self._plain(text[at : match.start()]), self._link(match)]
            at = match.end()
        return "".join([*kept, self._plain(text[at:])])

    def _link(self, match: re.Match[str]) -> str:
        label, address = self._plain(match.group(2)), match.group(3)
        if self._is_known(address) or not _LEADS_OUT.search(unescape(address)):
            return f"[{label or address}]({address})"
        host = self._withhold(address)
        return f"{label} (`{host}`)" if host and host not in label else label

    def _plain(self, text: str) -> str:
        """Without a Markdown link in it. An image by reference becomes a link by reference, which leads nowhere: its address is gone."""
        text = _REFERENCE.sub("[", unescape(text) if "&" in text else text)
        text = _ADDRESS.sub(self._address, text)
        return _TAG.sub(self._tag, text)

    def _address(self, match: re.Match[str]) -> str:
        written = match.group()
        address = _without_end(written)
        if self._is_known(address):
            return written
        host = self._withhold(address)
        return f"`{host}`{written[len(address) :]}" if host else written[len(address) :]

    def _tag(self, match: re.Match[str]) -> str:
        tag = match.group()
        if any(tag in text for text in self._evidence()) and not re.match(
            r"</?(?:img|image|picture|video|audio|source)\b", tag, re.IGNORECASE
        ):
            return tag
        return f"\u2039{match.group(1)}"

    def _is_known(self, address: str) -> bool:
        wanted = _canonical(address)
        if wanted is None:
            return False
        if _host(address) in self._hosts and urlsplit(address).scheme in ("http", "https"):
            return True
        return any(wanted in _addresses(text) for text in self._evidence())

    def _withhold(self, address: str) -> str:
        host = _host(address)
        self.withheld.append(host)
        return host


def _safe_end(text: str) -> int:
    """Up to where a text can be judged: before the last word that is not finished, or before a link or tag that is not."""
    word = _end_of_words(text)
    at = text.rfind("\n") + 1
    while (begun := _BEGIN.search(text, at)) is not None:
        end = _end_of(text, begun.start())
        if end is None:
            return min(word, begun.start())
        if begun.start() < word <= end:
            word = end
        at = end
    return word


def _end_of_words(text: str) -> int:
    """Before the last word where it may be, or become, an address; behind it elsewhere, so that text flows as it is written."""
    start = max(text.rfind(" "), text.rfind("\n"), text.rfind("\t")) + 1
    word = text[start:].lower()
    tail = _TAIL.search(word[-_LONGEST_SCHEME:])
    begun = tail is not None and any(scheme.startswith(tail.group()) for scheme in _SCHEMES)
    return start if begun or _IN_ADDRESS.search(word) else len(text)


def _end_of(text: str, at: int) -> int | None:
    """Where the link, the bracket or the tag that begins at `at` ends; None: it is not whole yet."""
    if text[at] == "<":
        close = text.find(">", at)
        return close + 1 if close >= 0 else None
    if (link := _LINK.match(text, at)) is not None:
        return link.end()
    opening = text.find("[", at)
    if opening < 0:
        return None
    depth = 0
    for bracket in _BRACKET.finditer(text, opening):
        place = bracket.start()
        depth += 1 if bracket.group() == "[" else -1
        if depth == 0:
            if place + 1 == len(text) or (text[place + 1] == "(" and ")" not in text[place:]):
                return None
            return place + 1
    return None


def _without_end(address: str) -> str:
    """The address without the punctuation of the sentence it stands in; a bracket that it opened itself stays."""
    while address and address[-1] in _END:
        if address[-1] == ")" and address.count("(") >= address.count(")"):
            break
        address = address[:-1]
    return address


@lru_cache(maxsize=256)
def _addresses(text: str) -> frozenset[str]:
    found = (_canonical(_without_end(match.group())) for match in _ADDRESS.finditer(text))
    return frozenset(address for address in found if address is not None)


def _canonical(address: str) -> str | None:
    """The address as it is compared: scheme and host in lower case, without a slash at its end. None: it is none that may be a link."""
    if address.lower().startswith("mailto:"):
        return address.lower() if "?" not in address else None
    if address.lower().startswith("www."):
        address = f"https://{address}"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or parts.username is not None or "\\" in address or "@" in parts.netloc:
        return None
    where = f"{host}:{port}" if port else host
    return f"{where}{parts.path.rstrip('/')}{'?' + parts.query if parts.query else ''}{'#' + parts.fragment if parts.fragment else ''}"


def _host(address: str) -> str:
    """The whole host, as text: what follows the last @ of the authority. Empty where there is none."""
    if _NO_HOST.match(address):
        return ""
    plain = re.sub(r"\\(?=[:/.])", "", address).replace("\\", "/")
    has_authority = "//" in plain
    rest = plain.split("//", 1)[1] if has_authority else plain.split(":", 1)[-1].lstrip("/")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    return re.sub(r"[^\w.:\[\]@+-]", "", authority.rsplit("@", 1)[-1] if has_authority else authority).lower()[:253]
