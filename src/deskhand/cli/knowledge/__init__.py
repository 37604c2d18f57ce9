"""`deskhand knowledge`: looking after the documents, also while a server runs on them.

The invariant: what a command says it did is stored when it says so, and is in the document's history under the name of who ran it.
"""

import sys
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from deskhand.cli.knowledge.desk import as_json, run, run_with
from deskhand.cli.knowledge.jobs import jobs_command, schedules_command
from deskhand.cli.knowledge.moments import Moment, parse_moment
from deskhand.cli.knowledge.views import show_document, show_documents, show_history, show_report, show_warnings
from deskhand.cli.terminal import by_whom, output, plain, print_json, remarks
from deskhand.knowledge import (
    DocumentFilter,
    DocumentId,
    DocumentState,
    FileSources,
    IngestReport,
    KnowledgeService,
    Likeness,
    Replacement,
    SourceDocument,
    StoredDocument,
    StoredPart,
    Tier,
)
from deskhand.knowledge.opening import Source
from deskhand.settings import Settings

_TIMES = "A TIME is a day (2026-12-24) or a moment (2026-12-24T18:00:00+01:00); without a zone it is UTC."

group = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, help="Look after the documents.")

Name = Annotated[str, typer.Argument(metavar="ID", help="The document's id, as 'list' shows it.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
IfRevision = Annotated[int | None, typer.Option("--if-revision", metavar="N", help="Only if it is still at this revision.")]
Since = Annotated[Moment | None, typer.Option("--from", parser=parse_moment, metavar="TIME", help="Found by no search before.")]
Until = Annotated[Moment | None, typer.Option("--until", parser=parse_moment, metavar="TIME", help="Found by no search from then on.")]


@group.command("list")
def list_documents(
    *,
    text: Annotated[str | None, typer.Argument(metavar="[TEXT]", help="What the title, source or address holds.")] = None,
    tier: Annotated[Tier | None, typer.Option("--audience", help="Only those for these readers.")] = None,
    state: Annotated[DocumentState | None, typer.Option(help="Only those in this state.")] = None,
    scope: Annotated[str | None, typer.Option(metavar="SCOPE", help="Only those from this folder, file or feed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
    offset: Annotated[int, typer.Option(min=0, help="How many to pass over.")] = 0,
    as_json_: Json = False,
) -> None:
    """List the documents, by title."""
    chosen = DocumentFilter(tier=tier, state=state, scope=scope, text=text)
    documents, total = run(lambda knowledge: knowledge.library.list_documents(chosen, limit=limit, offset=offset))
    if as_json_:
        print_json({"documents": [as_json(document) for document in documents], "total": total})
    else:
        show_documents(documents, total=total, console=output(), notes=remarks())


@group.command("show")
def show(name: Name, *, as_json_: Json = False) -> None:
    """Show a document: what is known of it, its text, and where others say the same or something else."""

    async def read(knowledge: KnowledgeService) -> tuple[StoredDocument, list[StoredPart], list[Likeness]]:
        library = knowledge.library
        document = await library.get_document(DocumentId(name))
        return document, await library.list_parts(document.id), await library.find_likenesses(document.id)

    document, parts, likenesses = run(read)
    if as_json_:
        texts, warnings = [asdict(part) for part in parts], [asdict(likeness) for likeness in likenesses]
        print_json(as_json(document) | {"parts": texts, "warnings": warnings})
        return
    show_document(document, parts, console=output())
    show_warnings(likenesses, notes=remarks())


@group.command("add", epilog=_TIMES)
def add(
    *,
    what: Annotated[list[str], typer.Argument(metavar="PATH|URL...", help="Files, folders, addresses.")],
    tier: Annotated[Tier, typer.Option("--audience", help="Who may be answered from them.")] = Tier.PUBLIC,
    since: Since = None,
    until: Until = None,
    as_json_: Json = False,
) -> None:
    """Put documents in. What should stay in step with where it comes from is better put in by 'deskhand ingest --sync'."""

    async def store(knowledge: KnowledgeService, settings: Settings) -> IngestReport:
        from deskhand.knowledge.fetch import SourceFetcher  # noqa: PLC0415 - brings aiohttp, which the other commands do without

        async def sources() -> AsyncIterator[Source]:
            async with SourceFetcher.create(settings) as fetcher:
                for given in what:
                    if given.startswith(("http://", "https://")):
                        known = [] if is_dated else await knowledge.list_current(SourceFetcher.scope_of(given), tier=tier)
                        async for source in fetcher.expand(given, tier=tier, known=known):
                            yield dated(source)
                    else:
                        for source in FileSources([Path(given)], tier=tier):
                            yield dated(source)

        # What is not fetched again because it did not change could not be given its dates.
        is_dated = since is not None or until is not None

        def dated(source: Source) -> Source:
            if not isinstance(source, SourceDocument):
                return source
            return replace(source, effective_from=_seconds(since), effective_until=_seconds(until))

        return await knowledge.library.add(sources(), by=by_whom())

    _tell(run_with(store), wants_json=as_json_)


@group.command("replace")
def replace_document(
    name: Name,
    *,
    path: Annotated[str, typer.Argument(metavar="FILE", help="What it says from now on; - is Markdown from standard input.")],
    title: Annotated[str | None, typer.Option(metavar="TITLE", help="What it is called from now on.")] = None,
    if_revision: IfRevision = None,
    as_json_: Json = False,
) -> None:
    """Let a document say something else. What it said is kept in its history for a while, and found by no search."""
    data = sys.stdin.buffer.read() if path == "-" else _bytes_of(Path(path))
    filename = "standard-input.md" if path == "-" else Path(path).name

    async def store(knowledge: KnowledgeService) -> IngestReport:
        document = await knowledge.library.get_document(DocumentId(name))
        wanted = Replacement(filename=filename, data=data, title=title)
        return await knowledge.library.replace(document, wanted, by=by_whom(), expected_revision=if_revision)

    _tell(run(store), wants_json=as_json_)


@group.command("edit", epilog=_TIMES + ' "none" takes a time or an address away.')
def edit(
    name: Name,
    *,
    title: Annotated[str | None, typer.Option(metavar="TITLE")] = None,
    tier: Annotated[Tier | None, typer.Option("--audience", help="Who may be answered from it.")] = None,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Where customers can read it.")] = None,
    since: Since = None,
    until: Until = None,
    if_revision: IfRevision = None,
    as_json_: Json = False,
) -> None:
    """Set what is said of a document. It stays so when the document is ingested again."""
    values: dict[str, Any] = {}
    if title is not None:
        values["title"] = title
    if tier is not None:
        values["tier"] = tier
    if url is not None:
        values["url"] = None if url == "none" else url
    if since is not None:
        values["effective_from"] = since.seconds
    if until is not None:
        values["effective_until"] = until.seconds
    if not values:
        raise typer.BadParameter("Name something to set: --title, --audience, --url, --from or --until.")
    _edit(name, values, if_revision=if_revision, wants_json=as_json_)


@group.command("disable")
def disable(name: Name, *, if_revision: IfRevision = None, as_json_: Json = False) -> None:
    """Keep a document, and answer from it no more."""
    _edit(name, {"disabled": True}, if_revision=if_revision, wants_json=as_json_)


@group.command("enable")
def enable(name: Name, *, if_revision: IfRevision = None, as_json_: Json = False) -> None:
    """Answer from a document again, within its effective dates."""
    _edit(name, {"disabled": False}, if_revision=if_revision, wants_json=as_json_)


@group.command("sync")
def synchronise(name: Name, *, if_revision: IfRevision = None, as_json_: Json = False) -> None:
    """Fetch a document's address again. If that fails, the document stays as it is."""

    async def store(knowledge: KnowledgeService, settings: Settings) -> IngestReport:
        from deskhand.knowledge.fetch import SourceFetcher  # noqa: PLC0415 - see above

        document = await knowledge.library.get_document(DocumentId(name))
        async with SourceFetcher.create(settings) as fetcher:
            source = await fetcher.fetch_again(document)
        if source is None:
            return IngestReport(unchanged=1)
        return await knowledge.library.replace_from(document, source, by=by_whom(), expected_revision=if_revision)

    _tell(run_with(store), wants_json=as_json_)


@group.command("delete")
def delete(
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    if_revision: IfRevision = None,
) -> None:
    """Delete a document for good, with every version of it. 'disable' keeps it."""

    async def remove(knowledge: KnowledgeService) -> str:
        document = await knowledge.library.get_document(DocumentId(name))
        question = f"Delete '{plain(document.title)}' ({plain(document.source)}) with all versions of it?"
        if not yes and not typer.confirm(question, err=True):
            raise typer.Abort
        await knowledge.library.delete(document.id, by=by_whom(), expected_revision=if_revision)
        return document.title

    output().print(f"Deleted: {plain(run(remove))}")


@group.command("history")
def history(name: Name, *, as_json_: Json = False) -> None:
    """Show who changed what and when, newest first; of a deleted document, who did something and when."""

    async def read(knowledge: KnowledgeService) -> tuple[Any, str]:
        revisions = await knowledge.library.list_revisions(DocumentId(name))
        parts = await knowledge.library.list_parts(DocumentId(name))
        return revisions, "\n\n".join(part.text for part in parts)

    revisions, text = run(read)
    if as_json_:
        print_json([as_json(revision) for revision in revisions])
    else:
        show_history(revisions, text=text, console=output())


group.command("jobs")(jobs_command)
group.command("schedules")(schedules_command)


def _edit(name: str, values: dict[str, Any], *, if_revision: int | None, wants_json: bool) -> None:
    async def store(knowledge: KnowledgeService) -> tuple[bool, StoredDocument]:
        changed = await knowledge.library.edit(DocumentId(name), values, by=by_whom(), expected_revision=if_revision)
        return changed, await knowledge.library.get_document(DocumentId(name))

    changed, document = run(store)
    if wants_json:
        print_json({"changed": changed, "document": as_json(document)})
    else:
        what = f"revision {document.revision}, {document.state.value}, for {document.tier.value}"
        output().print(f"{'Changed' if changed else 'It was so before'}: {plain(document.title)} ({what})")


def _tell(report: IngestReport, *, wants_json: bool) -> None:
    if wants_json:
        print_json(asdict(report))
    else:
        show_report(report, console=output(), notes=remarks())
    if report.failed:
        raise typer.Exit(1)


def _seconds(moment: Moment | None) -> float | None:
    return None if moment is None else moment.seconds


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be opened: {error.strerror or error}.") from error
