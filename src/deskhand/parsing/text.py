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
    of what it turned out to be."""

    title: str
    parts: tuple[Part, ...]
    url: str | None = None
    content_type: str = "text/markdown"

    @property
    def text(self) -> str:
        return "\n\n".join(part.text for part in self.parts)
