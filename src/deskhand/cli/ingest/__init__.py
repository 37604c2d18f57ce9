"""`deskhand ingest`: documents into the knowledge base, also while a server runs on it."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deskhand.cli.ingest.background import hand_over
from deskhand.cli.ingest.progress import Meter, meter
from deskhand.cli.ingest.sources import STDIN, Origin, is_on_the_web, name_once, on_standard_input, on_the_web, on_this_machine
from deskhand.cli.knowledge.views import show_scans, show_suspicions, show_warnings
from deskhand.cli.terminal import by_whom, output, plain, print_json, remarks, start_command
from deskhand.clock import Clock, SystemClock
from deskhand.foundations import open_database
from deskhand.guard.injection import orders_in
from deskhand.knowledge import IngestReport, KnowledgeService, Progress, Tier
from deskhand.knowledge.fetch import SourceFetcher
from deskhand.knowledge.samples import SCOPE as SAMPLES
from deskhand.settings import Settings

_FAILURES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the command line asks for. `origins` are those of this machine, already looked at; the others are addresses."""

    origins: Sequence[Origin | str]
    tier: Tier
    sync: bool
    drop_samples: bool


def command(
    *,
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE...", help="Files, folders, web pages, sitemaps, Git repositories; - is standard input."),
    ],
    sync: Annotated[bool, typer.Option("--sync", help="Also remove what came from SOURCE before and is gone.")] = False,
    audience: Annotated[Tier, typer.Option(help="Who may be answered from these documents.")] = Tier.PUBLIC,
    kind: Annotated[
        str | None, typer.Option("--format", metavar="KIND", help="What standard input holds: md, html, pdf, text/csv …")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", "--as", metavar="NAME", help="What standard input is called in sources.")] = None,
    drop_samples: Annotated[bool, typer.Option("--drop-samples", help="Remove the sample documents of development.")] = False,
    background: Annotated[bool, typer.Option("--background", help="Hand it to a running server as jobs, and return.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON, for scripts.")] = False,
) -> None:
    """Put documents into the knowledge base.

    Each row of a table or list that has a text becomes a document of its own, and so does each file of an archive. A document that did
    not change is skipped, one that changed is replaced, and one that cannot be read is reported and stops nothing. A run that was
    interrupted is continued by starting it again. A server that runs on the same data finds new documents within a second.

    Of the web, a sitemap gives the pages of its site; robots.txt is obeyed. In a Git checkout, what git ignores is left out.

    \b
    Examples:
      deskhand ingest handbook/ faq.csv
      deskhand ingest --sync --drop-samples https://help.example.com/sitemap.xml
      deskhand ingest --sync https://github.com/acme/help.git#main:docs
      pdftk … output - | deskhand ingest - --as manual.pdf

    Exit codes: 0 all documents are in; 1 some failed (the others are in); 2 wrong usage; 130 interrupted.
    """
    settings = start_command()
    origins: list[Origin | str] = []
    for location in name_once(sources):
        if location == STDIN:
            origins.append(on_standard_input(tier=audience, name=name, kind=kind))
        else:
            origins.append(location if is_on_the_web(location) else on_this_machine(Path(location), tier=audience))
    notes = remarks()
    if background:
        if drop_samples:
            raise typer.BadParameter("It is done at once; not together with --background.", param_hint="--drop-samples")
        hand_over(origins, tier=audience, sync=sync, as_json=as_json)
        return
    clock = SystemClock()
    started_at = clock.monotonic()
    wanted = _Wanted(origins, audience, sync, drop_samples)
    with meter(notes, clock=clock) as progress:
        reports = asyncio.run(_ingest(settings, wanted, progress=progress, clock=clock))
    seconds = clock.monotonic() - started_at
    report = _sum([report for _, report in reports])
    if as_json:
        print_json(asdict(report) | {"given": report.given, "seconds": round(seconds, 2)})
    else:
        _show(report, seconds=seconds, console=output(), notes=notes)
    _remark(reports, notes=notes)
    if report.failed:
        raise typer.Exit(1)


async def _ingest(settings: Settings, wanted: _Wanted, *, progress: Meter, clock: Clock) -> list[tuple[Origin | None, IngestReport]]:
    """The report of each thing that was named, in order; that of the samples is of no origin."""
    database = await open_database(settings, clock)
    try:
        knowledge = KnowledgeService.create(database, settings, clock=clock, screen=orders_in)
        try:
            async with SourceFetcher.create(settings, clock=clock) as fetcher:
                return await _ingest_all(knowledge, fetcher, wanted, progress=progress)
        finally:
            await knowledge.close()
    finally:
        await database.close()


async def _ingest_all(
    knowledge: KnowledgeService, fetcher: SourceFetcher, wanted: _Wanted, *, progress: Meter
) -> list[tuple[Origin | None, IngestReport]]:
    reports: list[tuple[Origin | None, IngestReport]] = []
    if wanted.drop_samples:
        reports.append((None, await knowledge.ingest([], sync_scope=SAMPLES)))
    for place, item in enumerate(wanted.origins):
        if isinstance(item, Origin):
            origin = item
        else:
            known = await knowledge.list_current(SourceFetcher.scope_of(item), tier=wanted.tier)
            origin = on_the_web(item, fetcher, tier=wanted.tier, known=known)
        before = _sum([report for _, report in reports])
        later = sum(rest.total or 0 for rest in wanted.origins[place + 1 :] if isinstance(rest, Origin))
        reports.append((origin, await _ingest_one(knowledge, origin, before, later=later, sync=wanted.sync, progress=progress)))
    return reports


async def _ingest_one(
    knowledge: KnowledgeService, origin: Origin, before: IngestReport, *, later: int, sync: bool, progress: Meter
) -> IngestReport:
    """`before` is what became of what was named earlier, `later` how many documents are known to follow."""
    done_before = before.given - before.removed

    def show(step: Progress) -> None:
        total = step.total if step.total is not None else origin.total
        progress.show(
            done=done_before + step.done,
            total=None if total is None else done_before + max(total, step.done) + later,
            chunks=before.chunks + step.chunks,
            failed=len(before.failed) + step.failed,
        )
        progress.look(step.source if step.page is None else f"{step.source}, page {step.page} of {step.pages} read from its picture")

    return await knowledge.ingest(origin.watched(progress.look), sync_scope=origin.scope if sync else None, on_progress=show, by=by_whom())


def _sum(reports: Sequence[IngestReport]) -> IngestReport:
    return IngestReport(
        indexed=sum(report.indexed for report in reports),
        unchanged=sum(report.unchanged for report in reports),
        removed=sum(report.removed for report in reports),
        failed=tuple(failure for report in reports for failure in report.failed),
        chunks=sum(report.chunks for report in reports),
        warnings=tuple(warning for report in reports for warning in report.warnings),
        suspicions=tuple(suspicion for report in reports for suspicion in report.suspicions),
        incomplete=any(report.incomplete for report in reports),
        scans=tuple(scan for report in reports for scan in report.scans),
    )


def _show(report: IngestReport, *, seconds: float, console: Console, notes: Console) -> None:
    counts = [f"{report.indexed} indexed", f"{report.unchanged} unchanged", f"{report.removed} removed", f"{len(report.failed)} failed"]
    console.print(f"{', '.join(counts)}; {report.chunks} chunks in {seconds:.1f} s")
    for failure in report.failed[:_FAILURES_SHOWN]:
        notes.print(f"  ✗ {plain(failure.source)}: {plain(failure.reason)}", style="red")
    if len(report.failed) > _FAILURES_SHOWN:
        notes.print(f"  … and {len(report.failed) - _FAILURES_SHOWN} more; --json lists them all.", style="red")
    show_warnings(report.warnings, notes=notes)
    show_suspicions(report.suspicions, notes=notes)
    show_scans(report.scans, notes=notes)


def _remark(reports: Sequence[tuple[Origin | None, IngestReport]], *, notes: Console) -> None:
    for origin, report in reports:
        if origin is None:
            continue
        if report.incomplete:
            notes.print(f"Nothing was removed of {plain(origin.name)}, because not all of it can be read.", style="yellow")
        for sentence in origin.left_out():
            notes.print(plain(sentence), style="yellow")
        if not report.given:
            notes.print(f"There is no document in {plain(origin.name)}.", style="yellow")
