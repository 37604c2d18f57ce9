"""What commands print with: standard output carries what was asked for, standard error what is said about it.

The invariant: text that came from documents, customers or models is never read as markup, and a terminal that cannot show colours (or
`NO_COLOR`) gets none.
"""

import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from deskhand.settings import Settings, load_settings
from deskhand.telemetry import configure_logging
from deskhand.telemetry.logs import LogTarget


def output() -> Console:
    """For results. What is not a terminal gets plain lines that are never wrapped."""
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=not sys.stdout.isatty())


def remarks() -> Console:
    """For progress, notices and errors."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=not sys.stderr.isatty())


def plain(text: str) -> str:
    """`text` without control characters, which could move the cursor or rename the window."""
    return "".join(character for character in text if character.isprintable() or character in "\n\t")


def is_text(text: str) -> bool:
    """Whether what came from the terminal or a pipe was UTF-8: Python keeps other bytes as halves of surrogate pairs."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def shown(seconds: float | None) -> str:
    """A time in UTC for a table; "none" without a limit."""
    return "none" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, console: Console) -> None:
    """A table on a terminal, elsewhere a line for each row, with tabs between its cells."""
    if not console.is_terminal:
        for row in rows:
            # Not by the console, which turns tabs into spaces.
            print("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row), file=console.file)
        return
    table = Table(box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number < len(columns) - 2, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def print_json(value: dict[str, Any] | Sequence[dict[str, Any]]) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def by_whom() -> str:
    """The name under which this command's changes stand in the history."""
    user = os.environ.get("USER")
    return f"command line, {user}" if user else "command line"


def start_command(**overrides: object) -> Settings:
    """Read the settings for a command, and let its logs be warnings alone. Raises ConfigurationError."""
    settings = load_settings(**overrides)
    configure_logging(settings, target=LogTarget.COMMAND)
    return settings
