"""What a document is once it is read: plain values that know nothing of where it came from or goes to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a document as Markdown. `page` counts from 1; `None` where the kind has no pages."""

    text: str
    page: int | None = None


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document's words. `title` is never empty; `url` is what the document itself says its address is; `content_type` is the media type
    of what it turned out to be. `scanned` are the pages whose words are in pictures, `recognised` those of them that were read, and
    `unread_because` says in a sentence why the others were not. An image is one page."""

    title: str
    parts: tuple[Part, ...]
    url: str | None = None
    content_type: str = "text/markdown"
    scanned: tuple[int, ...] = ()
    recognised: tuple[int, ...] = ()
    unread_because: str | None = None

    @property
    def text(self) -> str:
        return "\n\n".join(part.text for part in self.parts)
