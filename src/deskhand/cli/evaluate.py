"""`deskhand eval`: how good the answers are, on judged sets of one's own or of others."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from deskhand.cli.bounds import read_bounds
from deskhand.cli.files import write_file
from deskhand.cli.terminal import output, plain, print_json, remarks, start_command
from deskhand.clock import SystemClock
from deskhand.evaluation.figures import Figure, Measured, Subject
from deskhand.evaluation.layout import Lack, look_at
from deskhand.evaluation.report import render_report
from deskhand.evaluation.runner import Evaluation
from deskhand.evaluation.sets import AnySet
from deskhand.settings import Settings

_WIDTH_OF_A_FILE = 140


def command(
    *,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The judged sets: a folder of one, or of many.")],
    only: Annotated[list[Subject] | None, typer.Option("--only", help="Measure this alone; may be repeated.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Questions of each set at most, spread over all of it.")] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report with charts here, as one HTML file.")] = None,
    fail_under: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="End with 1 when a figure is lower.")] = None,
    fail_over: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="End with 1 when a figure is higher.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON, for scripts.")] = False,
) -> None:
    """Measure how good the answers are, on questions whose right answers are known.

    Uses the model and the settings of the server, but none of its data: each set gets a knowledge base of its own, which is thrown away.
    What kind of set a folder holds is told by its files; docs/evaluating.md lists them.

    \b
    Examples:
      deskhand eval my-questions --report eval.html
      deskhand eval my-questions --fail-under ndcg_10=0.85 --fail-over false_alarms=0.02
      deskhand eval my-questions --only retrieval --limit 50 --json | jq

    Exit codes: 0 measured; 1 a figure is beyond its bound, or a set could not be measured; 2 wrong usage.
    """
    if not folder.is_dir():
        raise typer.BadParameter(f"{folder} is no folder.", param_hint="FOLDER")
    under = read_bounds(fail_under, "--fail-under", example="ndcg_10=0.85")
    over = read_bounds(fail_over, "--fail-over", example="false_alarms=0.02")
    if report is not None and not report.parent.is_dir():
        # Said before minutes of measuring, not after them.
        raise typer.BadParameter(f"{report.parent} is no folder.", param_hint="--report")
    settings = start_command()
    notes = remarks()
    layout = look_at(folder)
    wanted = frozenset(only or Subject)
    measured = asyncio.run(_measure(settings, layout.sets, subjects=wanted, limit=limit, notes=notes))
    if as_json:
        print_json(_as_json(measured, layout.lacks))
    else:
        _show(measured, output())
    for lack in layout.lacks:
        notes.print(f"Not measured: {plain(str(lack.path))}: {plain(lack.reason)}", style="yellow")
    if report is not None:
        write_file(report, render_report(measured, layout.lacks, folder=folder.name, model=settings.model))
        notes.print(f"The report is in {report}.")
    if not measured:
        notes.print(f"There is nothing to measure in {plain(str(folder))}.", style="red")
        raise typer.Exit(1)
    broken = [
        *_beyond(measured, under, is_beyond=lambda value, bound: value < bound),
        *_beyond(measured, over, is_beyond=lambda value, bound: value > bound),
    ]
    for name, value, bound in broken:
        notes.print(f"✗ {plain(name)} is {value:.4f}; its bound is {bound:g}.", style="red")
    if broken:
        raise typer.Exit(1)


def _beyond(measured: Sequence[Measured], bounds: dict[str, float], *, is_beyond: Any) -> list[tuple[str, float, float]]:
    """The figures beyond their bound. A name without its set stands for all sets that have it."""
    named = {name: value for each in measured for name, value in each.named().items()}
    found: list[tuple[str, float, float]] = []
    for name, bound in bounds.items():
        meant = {full: value for full, value in named.items() if full == name or full.endswith(f".{name}")}
        if not meant:
            raise typer.BadParameter(f"No figure is called {name!r}. There are: {', '.join(sorted(named))}.", param_hint="NAME")
        found += [(full, value, bound) for full, value in meant.items() if is_beyond(value, bound)]
    return found


async def _measure(
    settings: Settings, sets: Sequence[AnySet], *, subjects: frozenset[Subject], limit: int | None, notes: Console
) -> list[Measured]:
    measured: list[Measured] = []
    with _Meter(notes) as meter:
        evaluation = Evaluation(settings, subjects=subjects, limit=limit, clock=SystemClock(), step=meter.show)
        for found in sets:
            measured += await evaluation.measure(found)
    return measured


class _Meter:
    """How far it is: a bar on a terminal, a line for each step elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None)
        self._shown: tuple[str, str] = ("", "")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def show(self, name: str, what: str, done: int, total: int) -> None:  # noqa: PLR0917 - the signature of SetStep
        if self._console.is_terminal:
            self._bar.update(self._task, description=f"{plain(name)}: {what}", completed=done, total=total)
        elif (name, what) != self._shown:
            self._console.print(f"{plain(name)}: {what} ({total})")
        self._shown = (name, what)


def _show(measured: Sequence[Measured], console: Console) -> None:
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH_OF_A_FILE)
    table = Table(box=None, pad_edge=False)
    table.add_column("set", overflow="fold")
    table.add_column("figure", overflow="fold")
    for title in ("value", "95 % interval", "BM25"):
        table.add_column(title, justify="right", no_wrap=True)
    before: tuple[Subject, str] | None = None
    for each in sorted(measured, key=lambda found: list(Subject).index(found.subject)):
        for figure in each.figures:
            key = (each.subject, each.set)
            table.add_row(plain(each.set) if key != before else "", *_cells(figure))
            before = key
    console.print(table)


def _cells(figure: Figure) -> tuple[str, str, str, str]:
    between = "" if figure.low is None or figure.high is None else f"{figure.low:.3f} – {figure.high:.3f}"
    return figure.title, f"{figure.value:.3f}", between, "" if figure.baseline is None else f"{figure.baseline:.3f}"


def _as_json(measured: Sequence[Measured], lacks: Sequence[Lack]) -> dict[str, Any]:
    return {
        "measured": [asdict(each) for each in measured],
        "figures": {name: value for each in measured for name, value in each.named().items()},
        "not_measured": [{"path": str(lack.path), "reason": lack.reason} for lack in lacks],
    }
