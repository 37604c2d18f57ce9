"""`deskhand ingest`: documents into the knowledge base, also while a server runs on it."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deskhand.app import open_database
from deskhand.cli.ingest.progress import Meter, meter
from deskhand.cli.ingest.sources import STDIN, Origin, look_at
from deskhand.cli.terminal import output, plain, remarks, start_command
from deskhand.clock import Clock, SystemClock
from deskhand.knowledge import IngestReport, KnowledgeService, Progress, Tier
from deskhand.knowledge.samples import SCOPE as SAMPLES
from deskhand.settings import Settings

_FAILURES_SHOWN = 20


def command(
    *,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders; - is standard input.")],
    sync: Annotated[bool, typer.Option("--sync", help="Also remove what came from PATH before and is gone.")] = False,
    audience: Annotated[Tier, typer.Option(help="Who may be answered from these documents.")] = Tier.PUBLIC,
    kind: Annotated[str | None, typer.Option("--format", metavar="KIND", help="What standard input holds: md, html, jsonl …")] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What standard input is called in sources.")] = None,
    drop_samples: Annotated[bool, typer.Option("--drop-samples", help="Remove the sample documents of development.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON, for scripts.")] = False,
) -> None:
    """Put documents into the knowledge base.

    Markdown, text, HTML, CSV, JSON and JSON Lines are read; of the last three each row that has a text becomes a document of its own. A
    document that did not change is skipped, one that changed is replaced, and one that cannot be read is reported and stops nothing. A run
    that was interrupted is continued by starting it again. A server that runs on the same data finds new documents within a second.

    \b
    Examples:
      deskhand ingest handbook/ faq.csv
      deskhand ingest --sync --drop-samples handbook/
      curl -s https://example.com/help.html | deskhand ingest - --format html --name help

    Exit codes: 0 all documents are in; 1 some failed (the others are in); 2 wrong usage; 130 interrupted.
    """
    settings = start_command()
    origins = [look_at(path, tier=audience, stdin_name=name, stdin_format=kind) for path in _once(paths)]
    notes = remarks()
    clock = SystemClock()
    started_at = clock.monotonic()
    with meter(notes, total=sum(origin.count for origin in origins), clock=clock) as progress:
        report = asyncio.run(_ingest(settings, origins, sync=sync, drop_samples=drop_samples, progress=progress, clock=clock))
    seconds = clock.monotonic() - started_at
    if as_json:
        print(json.dumps(asdict(report) | {"given": report.given, "seconds": round(seconds, 2)}, indent=2, ensure_ascii=False))
    else:
        _show(report, seconds=seconds, console=output(), notes=notes)
    _remark(origins, sync=sync, notes=notes)
    if report.failed:
        raise typer.Exit(1)


def _once(paths: Sequence[Path]) -> list[Path]:
    """Each path once: what is named twice would fail as its own duplicate."""
    return list({path if path == STDIN else path.resolve(): path for path in paths}.values())


async def _ingest(
    settings: Settings, origins: Sequence[Origin], *, sync: bool, drop_samples: bool, progress: Meter, clock: Clock
) -> IngestReport:
    database = await open_database(settings, clock)
    try:
        knowledge = KnowledgeService.create(database, settings, clock=clock)
        try:
            report = IngestReport()
            if drop_samples:
                report = _sum(report, await knowledge.ingest([], sync_scope=SAMPLES))
            for origin in origins:
                before = report

                def show(step: Progress, before: IngestReport = before) -> None:
                    progress.show(
                        done=before.given - before.removed + step.done,
                        chunks=before.chunks + step.chunks,
                        failed=len(before.failed) + step.failed,
                    )

                scope = origin.scope if sync and not origin.unreadable else None
                report = _sum(report, await knowledge.ingest(origin.sources, sync_scope=scope, on_progress=show))
            return report
        finally:
            await knowledge.close()
    finally:
        await database.close()


def _sum(first: IngestReport, second: IngestReport) -> IngestReport:
    return IngestReport(
        indexed=first.indexed + second.indexed,
        unchanged=first.unchanged + second.unchanged,
        removed=first.removed + second.removed,
        failed=first.failed + second.failed,
        chunks=first.chunks + second.chunks,
    )


def _show(report: IngestReport, *, seconds: float, console: Console, notes: Console) -> None:
    counts = [f"{report.indexed} indexed", f"{report.unchanged} unchanged", f"{report.removed} removed", f"{len(report.failed)} failed"]
    console.print(f"{', '.join(counts)}; {report.chunks} chunks in {seconds:.1f} s")
    for failure in report.failed[:_FAILURES_SHOWN]:
        notes.print(f"  ✗ {plain(failure.source)}: {plain(failure.reason)}", style="red")
    if len(report.failed) > _FAILURES_SHOWN:
        notes.print(f"  … and {len(report.failed) - _FAILURES_SHOWN} more; --json lists them all.", style="red")


def _remark(origins: Sequence[Origin], *, sync: bool, notes: Console) -> None:
    for origin in origins:
        if sync and origin.count > origin.unreadable > 0:
            notes.print(f"Nothing was removed of {plain(origin.name)}, because not all of it can be read.", style="yellow")
        if origin.passed_over:
            files = f"{origin.passed_over} file{'' if origin.passed_over == 1 else 's'}"
            notes.print(f"Left out of {plain(origin.name)}: {files} of kinds that cannot be read here.", style="yellow")
        if not origin.count:
            notes.print(f"There is no document in {plain(origin.name)}.", style="yellow")
