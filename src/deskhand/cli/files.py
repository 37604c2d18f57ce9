"""Files that a command writes where it was told to."""

from pathlib import Path

from deskhand.errors import DeskhandError


class NotWritten(DeskhandError):
    """A file could not be written."""

    code = "not_written"
    support = "Choose a file in a folder that is there and that you may write to."


def write_file(path: Path, text: str) -> None:
    """Write `text`, in UTF-8, in place of what was there.

    Raises:
        NotWritten: the system refused.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NotWritten(f"{path} cannot be written: {error.strerror}.") from error
