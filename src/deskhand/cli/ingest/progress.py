"""How far an ingest is: a bar on a terminal, a line now and then elsewhere."""

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from deskhand.clock import Clock

_SECONDS_BETWEEN_LINES = 5.0


class Meter(Protocol):
    """Told after each batch, of all that was named together. `total` counts documents, `chunks` the pieces written of them."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def show(self, *, done: int, chunks: int, failed: int) -> None: ...


def meter(console: Console, *, total: int, clock: Clock) -> Meter:
    return BarMeter(console, total=total, clock=clock) if console.is_terminal else LineMeter(console, total=total, clock=clock)


class BarMeter:
    def __init__(self, console: Console, *, total: int, clock: Clock) -> None:
        self._clock = clock
        self._started_at = clock.monotonic()
        self._bar = Bar(
            SpinnerColumn(),
            TextColumn("Reading documents"),
            BarColumn(),
            MofNCompleteColumn(),
            _ChunksColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=total, chunks_per_second=0.0, failed=0)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def show(self, *, done: int, chunks: int, failed: int) -> None:
        seconds = max(self._clock.monotonic() - self._started_at, 1e-6)
        self._bar.update(self._task, completed=done, chunks_per_second=chunks / seconds, failed=failed)


class _ChunksColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        failed = task.fields["failed"]
        text = Text(f"{task.fields['chunks_per_second']:.0f} chunks/s", style="dim")
        return text.append(f"  {failed} failed", style="red") if failed else text


class LineMeter:
    def __init__(self, console: Console, *, total: int, clock: Clock) -> None:
        self._console = console
        self._total = total
        self._clock = clock
        self._started_at = self._shown_at = clock.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def show(self, *, done: int, chunks: int, failed: int) -> None:
        now = self._clock.monotonic()
        if now - self._shown_at < _SECONDS_BETWEEN_LINES:
            return
        self._shown_at = now
        rate = chunks / max(now - self._started_at, 1e-6)
        self._console.print(f"{done} of {self._total} documents, {rate:.0f} chunks/s, {failed} failed")
