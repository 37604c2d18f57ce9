"""How far an ingest is: a bar on a terminal, a line now and then elsewhere."""

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from deskhand.cli.terminal import plain
from deskhand.clock import Clock

_SECONDS_BETWEEN_LINES = 5.0
_LONGEST_SOURCE = 60


class Meter(Protocol):
    """Told after each batch, of all that was named together. `total` counts documents and is `None` while nobody knows how many there are;
    `chunks` are the pieces written of them; `current` is what is looked at."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def show(self, *, done: int, total: int | None, chunks: int, failed: int) -> None: ...

    def look(self, current: str) -> None: ...


def meter(console: Console, *, clock: Clock) -> Meter:
    return BarMeter(console, clock=clock) if console.is_terminal else LineMeter(console, clock=clock)


class BarMeter:
    def __init__(self, console: Console, *, clock: Clock) -> None:
        self._clock = clock
        self._started_at = clock.monotonic()
        self._bar = Bar(
            SpinnerColumn(),
            TextColumn("Reading documents"),
            BarColumn(),
            MofNCompleteColumn(),
            _ChunksColumn(),
            TimeRemainingColumn(),
            _CurrentColumn(),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, chunks_per_second=0.0, failed=0, current="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def show(self, *, done: int, total: int | None, chunks: int, failed: int) -> None:
        seconds = max(self._clock.monotonic() - self._started_at, 1e-6)
        self._bar.update(self._task, completed=done, total=total, chunks_per_second=chunks / seconds, failed=failed)

    def look(self, current: str) -> None:
        self._bar.update(self._task, current=_short(current))


class _ChunksColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        failed = task.fields["failed"]
        text = Text(f"{task.fields['chunks_per_second']:.0f} chunks/s", style="dim")
        return text.append(f"  {failed} failed", style="red") if failed else text


class _CurrentColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(task.fields["current"], style="dim", no_wrap=True, overflow="ellipsis")


class LineMeter:
    def __init__(self, console: Console, *, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self._started_at = self._shown_at = clock.monotonic()
        self._done = "0 documents"
        self._current = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def show(self, *, done: int, total: int | None, chunks: int, failed: int) -> None:
        rate = chunks / max(self._clock.monotonic() - self._started_at, 1e-6)
        of = f" of {total}" if total is not None else ""
        self._done = f"{done}{of} documents, {rate:.0f} chunks/s, {failed} failed"
        self._print()

    def look(self, current: str) -> None:
        self._current = _short(current)
        self._print()

    def _print(self) -> None:
        now = self._clock.monotonic()
        if now - self._shown_at < _SECONDS_BETWEEN_LINES:
            return
        self._shown_at = now
        self._console.print(f"{self._done}; {self._current}" if self._current else self._done)


def _short(source: str) -> str:
    """The end of a name, which says more than its beginning."""
    source = plain(source).replace("\n", " ")
    return source if len(source) <= _LONGEST_SOURCE else "…" + source[-_LONGEST_SOURCE:]
