"""Documents, histories and warnings as a terminal shows them. What is not a terminal gets a line for each, its fields between tabs."""

import difflib
from collections.abc import Sequence

from rich.console import Console

from deskhand.cli.terminal import plain, print_table, shown
from deskhand.knowledge import IngestReport, Likeness, LikenessKind, Revision, Scan, Side, StoredDocument, StoredPart, Suspicion

_WARNINGS_SHOWN = 20
_LONGEST_QUOTE = 300


def show_documents(documents: Sequence[StoredDocument], *, total: int, console: Console, notes: Console) -> None:
    rows = [
        (document.id, document.state.value, document.tier.value, shown(document.updated_at), plain(document.title), plain(document.source))
        for document in documents
    ]
    print_table(("ID", "State", "Audience", "Changed (UTC)", "Title", "Source"), rows, console=console)
    if total > len(documents):
        notes.print(f"{len(documents)} of {total}; --limit and --offset show others.")


def show_document(document: StoredDocument, parts: Sequence[StoredPart], *, console: Console) -> None:
    facts = [
        ("ID", document.id),
        ("Title", plain(document.title)),
        ("Source", plain(document.source)),
        ("Address", plain(document.url or "none")),
        ("Kind", document.content_type),
        ("Audience", document.tier.value),
        ("State", document.state.value),
        ("In force", f"from {shown(document.effective_from)} until {shown(document.effective_until)}"),
        ("Revision", str(document.revision)),
        ("Added", shown(document.created_at)),
        ("Changed", shown(document.updated_at)),
        ("Length", f"{document.characters} characters in {document.chunk_count} parts"),
    ]
    for name, value in facts:
        console.print(f"{name + ':':<10} {value}")
    for part in parts:
        place = [f"page {part.page}"] if part.page is not None else []
        place += [part.section] if part.section else []
        console.print(f"\n── {plain(' · '.join(place))}".rstrip(), style="dim")
        console.print(plain(part.text))


def show_history(revisions: Sequence[Revision], *, text: str, console: Console) -> None:
    """`revisions` are the newest first; `text` is what the document says now."""
    after = text
    for revision in revisions:
        console.print(
            f"{shown(revision.changed_at)}  revision {revision.revision}  {revision.action.value} by {plain(revision.changed_by)}"
        )
        for name, (before, value) in revision.changes.items():
            console.print(f"    {name}: {plain(str(_value(name, before)))} → {plain(str(_value(name, value)))}")
        if revision.earlier_text is not None:
            for line in difflib.unified_diff(revision.earlier_text.splitlines(), after.splitlines(), lineterm="", n=1):
                if not line.startswith(("---", "+++")):
                    console.print(f"    {plain(line)}", style={"+": "green", "-": "red"}.get(line[:1], ""))
            after = revision.earlier_text


def show_report(report: IngestReport, *, console: Console, notes: Console) -> None:
    counts = [f"{report.indexed} indexed", f"{report.unchanged} unchanged", f"{len(report.failed)} failed"]
    console.print(", ".join(counts))
    for failure in report.failed:
        notes.print(f"  ✗ {plain(failure.source)}: {plain(failure.reason)}", style="red")
    show_warnings(report.warnings, notes=notes)
    show_scans(report.scans, notes=notes)


def show_warnings(likenesses: Sequence[Likeness], *, notes: Console) -> None:
    """Where documents say the same, or something else of the same thing, side by side."""
    for likeness in likenesses[:_WARNINGS_SHOWN]:
        is_double = likeness.kind is LikenessKind.NEAR_DUPLICATE
        notes.print("Two documents say nearly the same:" if is_double else "Two documents disagree:", style="yellow")
        for side in (likeness.one, likeness.other):
            notes.print(f"    {_place(side)}")
            if not is_double:
                notes.print(f"      “{plain(side.text)[:_LONGEST_QUOTE]}”")
    if len(likenesses) > _WARNINGS_SHOWN:
        notes.print(f"… and {len(likenesses) - _WARNINGS_SHOWN} more; --json lists them all.", style="yellow")


def show_suspicions(suspicions: Sequence[Suspicion], *, notes: Console) -> None:
    """Where a document reads as if it gave orders to the agent. Nothing was left out for it."""
    if suspicions:
        notes.print(
            "These read like orders to the agent. They are indexed, and cannot make it act; look whether they belong there:", style="yellow"
        )
    for found in suspicions[:_WARNINGS_SHOWN]:
        place = [found.title, *([found.section] if found.section else []), *([f"page {found.page}"] if found.page is not None else [])]
        notes.print(plain(f"    {' · '.join(place)} ({found.source}): {', '.join(found.kinds)}"))
    if len(suspicions) > _WARNINGS_SHOWN:
        notes.print(f"… and {len(suspicions) - _WARNINGS_SHOWN} more; --json lists them all.", style="yellow")


def show_scans(scans: Sequence[Scan], *, notes: Console) -> None:
    """Which pages of a document were read from pictures, and which were not."""
    for scan in scans[:_WARNINGS_SHOWN]:
        if scan.recognised:
            notes.print(f"  {plain(scan.source)}: {_pages(scan.recognised)} read from pictures (OCR).")
        if scan.unread:
            notes.print(f"  ! {plain(scan.source)}: {_pages(scan.unread)} not read. {plain(scan.reason or '')}".rstrip(), style="yellow")
    if len(scans) > _WARNINGS_SHOWN:
        notes.print(f"… and {len(scans) - _WARNINGS_SHOWN} more documents with scanned pages; --json lists them all.", style="yellow")


def _pages(pages: Sequence[int]) -> str:
    """As in `pages 1–3, 7`."""
    runs: list[list[int]] = []
    for page in pages:
        if runs and page == runs[-1][-1] + 1:
            runs[-1].append(page)
        else:
            runs.append([page])
    shown = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)
    return f"page{'' if len(pages) == 1 else 's'} {shown}"


def _place(side: Side) -> str:
    place = [side.title, *([side.section] if side.section else []), *([f"page {side.page}"] if side.page is not None else [])]
    return plain(f"{' · '.join(place)} ({side.source}, {side.document_id})")


def _value(name: str, value: object) -> object:
    return shown(value) if name.startswith("effective_") and (value is None or isinstance(value, float | int)) else value
