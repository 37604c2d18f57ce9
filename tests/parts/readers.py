"""The processes that read documents for the test at hand."""

import psutil


def find_readers() -> list[psutil.Process]:
    """Those of this process. It has other children, too: servers under other users, and some that ended and are not yet waited for."""
    return [child for child in psutil.Process().children() if "deskhand.parsing.child" in _command_of(child)]


def _command_of(child: psutil.Process) -> str:
    try:
        return " ".join(child.cmdline())
    except (psutil.ZombieProcess, psutil.NoSuchProcess):
        return ""
