"""What the server and the child that reads say to each other: frames of a length and a message, both ways over pipes.

Invariant: the server decodes what a child says against these types and no frame is longer than `LONGEST_FRAME`, since a child that a
hostile file took over may say anything.
"""

import struct
from typing import Any

import msgspec

LONGEST_FRAME = 96_000_000
LENGTH = struct.Struct("<I")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one child may use. `memory_bytes` is address space, `cpu_seconds` are for each document, or each page of pictures."""

    memory_bytes: int
    cpu_seconds: int
    open_files: int = 16
    reads_pictures: bool = False


class Document(msgspec.Struct, frozen=True, array_like=True):
    """`content_type` is what the sender says that it is."""

    filename: str
    content_type: str | None
    data: bytes


class Read(msgspec.Struct, frozen=True, tag="read"):
    """Answered by one `Text` or `Refused` for each document, in order. With `whole`, what is inside an archive or attached to a mail is
    read along with it; without, it is left to `Unpack`."""

    documents: tuple[Document, ...]
    max_bytes: int
    whole: bool


class Unpack(msgspec.Struct, frozen=True, tag="unpack"):
    """Answered by one `Members`, `Single` or `Refused`. `start` counts members; a page ends after `page_bytes`."""

    document: Document
    start: int
    page_bytes: int
    max_bytes: int


class Recognise(msgspec.Struct, frozen=True, tag="recognise"):
    """For a child that reads pictures. Answered by `Refused`, or by `Opened` and then one `Page` or `Refused` for each of its pages.
    `pages` are those wanted, `None` for all."""

    document: Document
    pages: tuple[int, ...] | None


class Text(msgspec.Struct, frozen=True, tag="text"):
    """`scanned` are the pages whose words are in pictures, which are not among the parts."""

    title: str
    parts: tuple[tuple[str, int | None], ...]
    url: str | None
    content_type: str
    scanned: tuple[int, ...] = ()


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """`code` is that of the error; `message` is for whoever sent the document."""

    code: str
    message: str
    support: str
    details: dict[str, Any]


class Member(msgspec.Struct, frozen=True):
    """A document within another. `key` goes behind the address of the outer one: `!/manual.pdf` of an archive, `#7` of a table.

    `shown` is how it is called where people see it, if not by its key. `problem` says why there is nothing to read; the rest is then empty.
    """

    key: str
    filename: str = ""
    data: bytes = b""
    title: str | None = None
    url: str | None = None
    metadata: dict[str, Any] = {}
    problem: str | None = None
    shown: str | None = None


class Members(msgspec.Struct, frozen=True, tag="members"):
    """`following` is where the next page starts, `None` behind the last."""

    members: tuple[Member, ...]
    following: int | None


class Single(msgspec.Struct, frozen=True, tag="single"):
    """There is nothing in it but itself."""


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    pages: tuple[int, ...]


class Page(msgspec.Struct, frozen=True, tag="page"):
    """What stands on a page, as Markdown; empty if there is no print on it. `heading` is its first large one."""

    text: str
    heading: str | None


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The first frame of a child: its limits stand. `confined` says whether system calls are filtered as well."""

    confined: bool


class Broke(msgspec.Struct, frozen=True, tag="broke"):
    """The last frame of a child: reading ended in an error that nobody foresaw, of our own or of a reader's. `place` is file and line."""

    error: str
    place: str


Request = Read | Unpack | Recognise
Answer = Text | Refused | Members | Single | Opened | Page | Ready | Broke


def frame(message: msgspec.Struct) -> bytes:
    body = msgspec.msgpack.encode(message)
    return LENGTH.pack(len(body)) + body
