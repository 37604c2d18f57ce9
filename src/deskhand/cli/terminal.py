"""What commands print with: standard output carries what was asked for, standard error what is said about it.

The invariant: text that came from documents, customers or models is never read as markup, and a terminal that cannot show colours (or
`NO_COLOR`) gets none.
"""

import sys

from rich.console import Console

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


def start_command(**overrides: object) -> Settings:
    """Read the settings for a command, and let its logs be warnings alone. Raises ConfigurationError."""
    settings = load_settings(**overrides)
    configure_logging(settings, target=LogTarget.COMMAND)
    return settings
