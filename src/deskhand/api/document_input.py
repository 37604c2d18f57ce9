"""Documents as staff send them over HTTP: words, files, an address.

The invariant: the same words or the same file under the same name, sent again, are the same document, unless what it says was changed
meanwhile: a change is never undone by an addition.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace

from fastapi import Request
from starlette.datastructures import UploadFile

from deskhand.api import document_schemas as schemas
from deskhand.api.assembled import Services
from deskhand.api.body import check_json, decode_json, read_json, validate
from deskhand.api.messages import is_form, read_form, read_upload
from deskhand.errors import Malformed
from deskhand.jobs import Item, Order
from deskhand.knowledge import (
    Along,
    IngestReport,
    Progress,
    Replacement,
    SourceDocument,
    StoredDocument,
    Tier,
    UnreadableSource,
    document_id,
)
from deskhand.knowledge.opening import Source
from deskhand.knowledge.uploads import opened, under_its_own_name, upload_origin

_MOST_SHOWN = 500
_MOST_UNPACKED_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class Given:
    """What was sent: documents, or the address of some. The dates are in epoch seconds."""

    sources: Sequence[Source]
    url: str | None
    tier: Tier
    effective_from: float | None
    effective_until: float | None


async def read_given(request: Request, services: Services) -> Given:
    """What a request brings.

    Raises:
        Malformed, TooLarge, UnsupportedKind: it cannot be read.
    """
    if is_form(request):
        try:
            wanted, uploads = await _read_uploads(request, services)
            sources = [source for upload in uploads async for source in _opened(upload, services)]
            return _given(sources, wanted, tier=Tier(wanted.tier))
        finally:
            await request.close()
    return await _read_json(request)


async def read_order(request: Request, *, by: str, services: Services) -> tuple[Order, list[Item]]:
    """What a request brings, to be put in later. Files are not opened yet. Raises as `read_given` does."""
    if is_form(request):
        try:
            wanted, uploads = await _read_uploads(request, services)
            given = _given(uploads, wanted, tier=Tier(wanted.tier))
        finally:
            await request.close()
    else:
        given = await _read_json(request)
    order = Order(
        label=given.url or ", ".join(source.source for source in given.sources),
        requested_by=by,
        tier=given.tier,
        url=given.url,
        scope=None if given.url is None else services.fetching.fetcher().scope_of(given.url),
        effective_from=given.effective_from,
        effective_until=given.effective_until,
    )
    return order, [_item(source) for source in given.sources if isinstance(source, SourceDocument)]


def _item(source: SourceDocument) -> Item:
    return Item(source.origin, source.source, source.filename, source.data, source.content_type, source.title, source.url)


async def _read_json(request: Request) -> Given:
    check_json(request, support="Send JSON, or a form with the files in the field 'files'.")
    body = decode_json(await request.body())
    if isinstance(body, dict) and "fetch" in body:
        wanted = validate(body, schemas.FetchDocuments)
        return _given([], wanted, tier=Tier(wanted.tier), url=wanted.fetch)
    written = validate(body, schemas.WriteDocument)
    data = written.text.encode()
    source = SourceDocument(
        origin=upload_origin(written.title, data),
        source=written.title,
        filename="written.md",
        data=data,
        title=written.title,
        url=written.url,
        tier=Tier(written.tier),
    )
    return _given([source], written, tier=source.tier)


async def read_replacement(request: Request, services: Services) -> Replacement:
    """What a document is to say from now on. Raises as `read_given` does."""
    if not is_form(request):
        wanted = await read_json(request, schemas.ReplaceDocument)
        return Replacement(filename="written.md", data=wanted.text.encode(), title=wanted.title)
    try:
        form = await read_form(request, services, files={"file"}, fields={"title"})
        uploads = form.getlist("file")
        if len(uploads) != 1 or isinstance(uploads[0], str):
            raise Malformed("file: exactly one file is expected.")
        title = form.get("title")
        if title is not None:
            title = validate({"title": title}, schemas.EditDocument).title
        filename, data = await read_upload(uploads[0], services)
        return Replacement(filename=filename, data=data, content_type=uploads[0].content_type, title=title)
    finally:
        await request.close()


async def store(
    given: Given, *, by: str, services: Services, tell: Callable[[Progress], None], along: Along
) -> tuple[IngestReport, list[StoredDocument]]:
    """Put in what was given. Returns what became of it, and those documents that are in; at most 500 of them."""
    library = services.knowledge.library
    seen: list[str] = []
    if given.url is None:
        sources = [await under_its_own_name(source, library) for source in given.sources]
        seen = [source.origin for source in sources if isinstance(source, SourceDocument)]
        report = await library.add([_dated(source, given) for source in sources], by=by, on_progress=tell, along=along)
    else:
        fetcher = services.fetching.fetcher()
        is_dated = given.effective_from is not None or given.effective_until is not None
        # What is not fetched again because it did not change could not be given its dates.
        known = [] if is_dated else await services.knowledge.list_current(fetcher.scope_of(given.url), tier=given.tier)
        expansion = fetcher.expand(given.url, tier=given.tier, known=known)

        async def fetched() -> AsyncIterator[Source]:
            async for source in expansion:
                if len(seen) < _MOST_SHOWN:
                    seen.append(source.origin)
                yield _dated(source, given)

        report = await library.add(fetched(), by=by, on_progress=tell, along=along)
    names = list(dict.fromkeys(document_id(origin) for origin in seen[:_MOST_SHOWN]))
    return report, await library.find_documents(names)


async def _read_uploads(request: Request, services: Services) -> tuple[schemas.UploadedWith, list[SourceDocument]]:
    form = await read_form(request, services, files={"files"}, fields={"tier", "effective_from", "effective_until"})
    wanted = validate({key: value for key, value in form.items() if isinstance(value, str)}, schemas.UploadedWith)
    found: list[SourceDocument] = []
    for upload in form.getlist("files"):
        assert isinstance(upload, UploadFile)
        filename, data = await read_upload(upload, services)
        origin, tier = upload_origin(filename, data), Tier(wanted.tier)
        found.append(
            SourceDocument(origin=origin, source=filename, filename=filename, data=data, tier=tier, content_type=upload.content_type)
        )
    if not found:
        raise Malformed("files: at least one file is expected.")
    return wanted, found


async def _opened(whole: SourceDocument, services: Services) -> AsyncIterator[Source]:
    """The document, or those inside it, unless that is too much to be held."""
    found: list[Source] = []
    size = 0
    async for source in opened(whole, services.knowledge.reader):
        size += len(source.data) if isinstance(source, SourceDocument) else 0
        if size > max(_MOST_UNPACKED_BYTES, len(whole.data)):
            reason = f"More than {_MOST_UNPACKED_BYTES / 1e6:.0f} MB would come out of it; send it with 'Prefer: respond-async'."
            found = [UnreadableSource(whole.origin, whole.source, reason)]
            break
        found.append(source)
    for source in found:
        yield source


def _given(sources: Sequence[Source], wanted: schemas.Dated, *, tier: Tier, url: str | None = None) -> Given:
    since, until = (schemas.seconds_of(moment) if moment else None for moment in (wanted.effective_from, wanted.effective_until))
    return Given(sources, url, tier, since, until)


def _dated(source: Source, given: Given) -> Source:
    if not isinstance(source, SourceDocument):
        return source
    return replace(source, effective_from=given.effective_from, effective_until=given.effective_until)
