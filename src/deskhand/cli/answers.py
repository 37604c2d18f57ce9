"""An answer as it comes into being on a terminal: what is being done, the text, then its sources.

The invariant: what was printed stays. Only the block of text that still grows, and the line below it, are drawn again.
"""

import re
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markdown import Markdown
from rich.padding import Padding
from rich.spinner import Spinner
from rich.text import Text

from deskhand.cli.terminal import plain

_REDRAWN_PER_SECOND = 12
# A blank line that no indented line follows: a list goes on there.
_BLOCK_END = re.compile(r"\n[ \t]*\n(?=\S)")
_FENCE = re.compile(r"^ {0,3}(```|~~~)", re.MULTILINE)
_EXCERPT_CHARACTERS = 1_200


class AnswerView(Protocol):
    """Shows one answer. Used as a context manager, so that the terminal is whole again however it ends."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def show_stage(self, stage: str, tool: str | None = None) -> None:
        """What is being done now: "searching", "using_tool" or "writing"."""
        ...

    def add_text(self, text: str) -> None: ...

    def start_over(self) -> None:
        """What was shown of this answer is void."""
        ...

    def end(self) -> None:
        """Nothing more comes; draw all of it as it stays."""
        ...


def answer_view(console: Console) -> AnswerView:
    return TerminalAnswer(console) if console.is_terminal else PlainAnswer(console)


class PlainAnswer:
    """For files and pipes: the text as it comes, and nothing else."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._is_open_line = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end()

    def show_stage(self, stage: str, tool: str | None = None) -> None:
        """Who reads a file does not wait for it."""

    def add_text(self, text: str) -> None:
        self._write(text)

    def start_over(self) -> None:
        if self._is_open_line:
            self._write("\n[interrupted; the answer starts over]\n")

    def end(self) -> None:
        if self._is_open_line:
            self._write("\n")

    def _write(self, text: str) -> None:
        if not text:
            return
        self._console.file.write(plain(text))
        self._console.file.flush()
        self._is_open_line = not text.endswith("\n")


class TerminalAnswer:
    """Markdown that grows, with a line below it that says what is going on."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._growing = ""
        self._printed = False
        self._spinner = Spinner("dots", Text("Thinking", style="dim"), style="dim")
        self._has_ended = False
        self._live = Live(console=console, refresh_per_second=_REDRAWN_PER_SECOND, transient=True, get_renderable=self._draw)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end()

    def show_stage(self, stage: str, tool: str | None = None) -> None:
        self._spinner.update(text=Text(describe_stage(stage, tool), style="dim"))

    def add_text(self, text: str) -> None:
        self._growing += plain(text)
        finished, self._growing = split_blocks(self._growing)
        if finished:
            self._print(finished)

    def start_over(self) -> None:
        if self._printed:
            self._console.print(Text("Interrupted; the answer starts over.", style="yellow"))
        self._growing = ""

    def end(self) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        self._live.stop()
        if self._growing.strip():
            self._print(self._growing)

    def _print(self, text: str) -> None:
        if self._printed:
            self._console.print()
        self._console.print(_markdown(text.strip("\n")))
        self._printed = True

    def _draw(self) -> RenderableType:
        if self._has_ended:
            return Text()
        parts: list[RenderableType] = []
        if self._growing.strip():
            if self._printed:
                parts.append(Text())
            parts.append(_markdown(self._growing))
        return Group(*parts, self._spinner)


def describe_stage(stage: str, tool: str | None) -> str:
    match stage:
        case "searching":
            return "Looking into the documents"
        case "using_tool":
            return f"Using {tool.replace('_', ' ')}" if tool else "Using a tool"
        case _:
            return "Writing"


def split_blocks(text: str) -> tuple[str, str]:
    """The blocks of a growing Markdown text that are finished, and the rest. A blank line in a code block finishes nothing."""
    end = 0
    for match in _BLOCK_END.finditer(text):
        if len(_FENCE.findall(text[: match.start() + 1])) % 2 == 0:
            end = match.end()
    return text[:end], text[end:]


def show_sources(console: Console, sources: Sequence[dict[str, Any]], *, with_content: bool = False) -> None:
    """The sources of an answer (`rank`, `metadata`, `content`) below it."""
    if not sources:
        return
    console.print()
    console.print(Text("Sources", style="bold dim"))
    for source in sources:
        metadata = source["metadata"]
        heading = " › ".join(str(metadata[name]) for name in ("title", "section") if metadata.get(name))
        place = str(metadata.get("url") or metadata.get("source") or "")
        page = f", page {metadata['page']}" if metadata.get("page") else ""
        line = Text.assemble((f"[{source['rank']}] ", "cyan"), plain(heading), (f"  {plain(place)}{page}", "dim"))
        console.print(line)
        if with_content:
            excerpt = plain(str(source["content"]))[:_EXCERPT_CHARACTERS]
            console.print(Padding(Text(excerpt, style="dim"), (0, 0, 1, 4)))


def _markdown(text: str) -> Markdown:
    # With hyperlinks a link would show its words alone, and the words are the model's.
    return Markdown(text, hyperlinks=False)
