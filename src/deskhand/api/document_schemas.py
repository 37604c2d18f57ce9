"""The bodies of the routes that look after the knowledge base."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from deskhand.api.schemas import SAYS_SOMETHING, Parameters, Request, Schema, show_moment
from deskhand.clock import to_iso
from deskhand.knowledge import (
    DocumentState,
    IngestReport,
    Likeness,
    LikenessKind,
    Scan,
    Side,
    StoredDocument,
    StoredPart,
    Suspicion,
    Tier,
)

_MOMENT = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})$"


def _real(moment: str) -> str:
    try:
        seconds_of(moment)
    except (ValueError, OverflowError) as error:
        raise ValueError("there is no such moment") from error
    return moment


def seconds_of(moment: str) -> float:
    """Epoch seconds of a moment as RFC 3339 writes it."""
    return datetime.fromisoformat(re.sub("Z$", "+00:00", moment)).astimezone(UTC).timestamp()


Moment = Annotated[
    str,
    StringConstraints(pattern=_MOMENT),
    AfterValidator(_real),
    Field(json_schema_extra={"format": "date-time"}, examples=["2026-12-24T18:00:00Z"]),
]
Title = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x1f\x7f\s][^\x00-\x1f\x7f]*$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=1_000_000, pattern=SAYS_SOMETHING)]
TierName = Literal["public", "customers", "operators"]
Url = Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=r"^https?://[!-~]+$")]


class Dated(Request):
    effective_from: Moment | None = Field(None, description="Not found by any search before.")
    effective_until: Moment | None = Field(None, description="Not found by any search from then on.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.effective_from and self.effective_until and seconds_of(self.effective_from) >= seconds_of(self.effective_until):
            raise ValueError("effective_until is not after effective_from")
        return self


class WriteDocument(Dated):
    """A new document of these words, as Markdown."""

    title: Title
    text: Words
    tier: TierName = "public"
    url: Url | None = Field(None, description="Where customers can read it.")


class FetchDocuments(Dated):
    """New documents from an address: a page, a table, or a sitemap with all its pages."""

    fetch: Url
    tier: TierName = "public"


class UploadedWith(Dated):
    """The fields beside the files of a form."""

    tier: TierName = "public"


class ReplaceDocument(Request):
    """What a document says from now on, as Markdown."""

    title: Title | None = None
    text: Words


class EditDocument(Dated):
    """The fields to set; those left out stay. `null` takes an address or a date away."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    title: Title = Field("", validate_default=False)
    tier: TierName = Field("public", description="Whom answers from it may be given to.")
    url: Url | None = None
    disabled: bool = Field(False, description="Whether it is kept, but not answered from.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name at least one field to set")
        return self

    def values(self) -> dict[str, Any]:
        """The fields that were given, as the library takes them."""
        given: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        for name in ("effective_from", "effective_until"):
            if given.get(name) is not None:
                given[name] = seconds_of(given[name])
        return given | ({"tier": Tier(given["tier"])} if "tier" in given else {})


class ListDocuments(Parameters):
    """The query of the list of documents."""

    tier: Tier | None = None
    state: DocumentState | None = None
    scope: Annotated[str, StringConstraints(min_length=1, max_length=4_000, pattern=r"^[^\x00]+$")] | None = Field(
        None, description="The folder, file or feed that it was read from."
    )
    text: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")] | None = Field(
        None, description="What the title, the source or the address holds."
    )
    limit: int = Field(50, ge=1, le=500)
    offset: int = Field(0, ge=0, le=10_000_000)


class DocumentView(Schema):
    document_id: str = Field(pattern=r"^doc_[0-9a-f]{24}$")
    revision: int = Field(ge=1, description="Counts the document's changes; its ETag.")
    title: str
    source: str
    url: str | None
    content_type: str
    tier: Tier
    state: DocumentState
    effective_from: str | None
    effective_until: str | None
    scope: str | None
    characters: int
    chunks: int
    created_at: str
    updated_at: str
    can_be_synchronised: bool = Field(description="Whether it was fetched from an address that can be asked again.")

    @classmethod
    def of(cls, document: StoredDocument) -> Self:
        return cls(**document_fields(document))


class PartView(Schema):
    """A stretch of the text. `page` counts from 1; `section` is the path of headings above it."""

    text: str
    section: str | None
    page: int | None

    @classmethod
    def of(cls, part: StoredPart) -> Self:
        return cls(text=part.text, section=part.section, page=part.page)


class FailureView(Schema):
    source: str
    reason: str


class SideView(Schema):
    document_id: str
    title: str
    source: str
    section: str | None
    page: int | None
    text: str


class WarningView(Schema):
    """Two documents that say nearly the same, or two sentences of which only one can be right."""

    kind: LikenessKind
    one: SideView
    other: SideView

    @classmethod
    def of(cls, likeness: Likeness) -> Self:
        return cls(kind=likeness.kind, one=_side(likeness.one), other=_side(likeness.other))


def _side(side: Side) -> SideView:
    return SideView(
        document_id=side.document_id, title=side.title, source=side.source, section=side.section, page=side.page, text=side.text
    )


class ScanView(Schema):
    """A document with pages whose words are in pictures: those that were read by OCR, and those that were not, with the reason."""

    source: str
    recognised: list[int]
    unread: list[int]
    reason: str | None

    @classmethod
    def of(cls, scan: Scan) -> Self:
        return cls(source=scan.source, recognised=list(scan.recognised), unread=list(scan.unread), reason=scan.reason)


class SuspicionView(Schema):
    """A place that reads like orders to the agent. It is indexed all the same."""

    source: str
    title: str
    section: str | None
    page: int | None
    kinds: list[str]

    @classmethod
    def of(cls, suspicion: Suspicion) -> Self:
        return cls(
            source=suspicion.source,
            title=suspicion.title,
            section=suspicion.section,
            page=suspicion.page,
            kinds=list(suspicion.kinds),
        )


class ReportView(Schema):
    """What became of each document that was given: `indexed + unchanged + removed + failed` of them."""

    indexed: int
    unchanged: int
    removed: int
    failed: list[FailureView]
    chunks: int
    warnings: list[WarningView] = Field(description="What of it is said elsewhere too, or differently; at most 200.")
    suspicions: list[SuspicionView] = Field(description="What of it reads like orders to the agent; at most 200.")
    scans: list[ScanView] = Field(description="What of it has pages without a text of their own.")

    @classmethod
    def of(cls, report: IngestReport) -> Self:
        return cls(
            indexed=report.indexed,
            unchanged=report.unchanged,
            removed=report.removed,
            failed=[FailureView(source=failure.source, reason=failure.reason) for failure in report.failed],
            chunks=report.chunks,
            warnings=[WarningView.of(warning) for warning in report.warnings],
            suspicions=[SuspicionView.of(suspicion) for suspicion in report.suspicions],
            scans=[ScanView.of(scan) for scan in report.scans],
        )


class AddedView(ReportView):
    documents: list[DocumentView] = Field(description="Those that were given by themselves or in files, as they are now; at most 500.")


class DocumentDetail(DocumentView):
    parts: list[PartView]
    warnings: list[WarningView] = Field(description="Where other documents say nearly the same, or something else of the same thing.")


class ChangedView(Schema):
    """`changed` is false when the document was so before."""

    changed: bool
    document: DocumentView
    warnings: list[WarningView] = Field(description="Where other documents say nearly what it says now, or something else.")


class DocumentDeleted(Schema):
    message: str
    document_id: str


def document_fields(document: StoredDocument) -> dict[str, Any]:
    return {
        "document_id": document.id,
        "revision": document.revision,
        "title": document.title,
        "source": document.source,
        "url": document.url,
        "content_type": document.content_type,
        "tier": document.tier,
        "state": document.state,
        "effective_from": show_moment(document.effective_from),
        "effective_until": show_moment(document.effective_until),
        "scope": document.scope,
        "characters": document.characters,
        "chunks": document.chunk_count,
        "created_at": to_iso(document.created_at),
        "updated_at": to_iso(document.updated_at),
        "can_be_synchronised": "fetched" in document.metadata,
    }
