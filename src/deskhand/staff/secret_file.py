"""Secrets that an installation makes for itself, each in a file of the data folder that only its user can read.

The invariant: a file that is empty holds no secret. Whoever made it died before the secret was in it, or the disk was full, and an empty
secret is one that everybody knows.
"""

import fcntl
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from deskhand.settings import Settings

ADMIN_KEY_FILE = "admin_key"
STAFF_SECRET_FILE = "staff_secret"  # noqa: S105 - the name of a file, not a secret


def load_secrets(settings: Settings) -> list[bytes]:
    """What staff's keys are derived from, the one for new things first: `DESKHAND_SECRET_KEY` where it is set, else that of the file, which
    is made if need be. A file that was there before the setting is still known, so what was made with it can still be read and verified.

    Raises:
        OSError: the file cannot be read or made.
    """
    path = settings.data_dir / STAFF_SECRET_FILE
    if settings.secret_key is None:
        return [read_or_make(path, lambda: secrets.token_urlsafe(32))]
    kept = _find(path)
    return [settings.secret_key.get_secret_value().encode(), *([kept] if kept else [])]


def read_or_make(path: Path, make: Callable[[], str]) -> bytes:
    """The secret in a file, without white space around it; what `make` gives, where there is none yet. Processes that ask at the same
    moment get the same.

    Raises:
        OSError: the file cannot be read or made.
    """
    if found := _find(path):
        return found
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        # Until it is closed: whoever comes meanwhile waits, and reads what was written.
        fcntl.flock(file, fcntl.LOCK_EX)
        found = file.read().strip()
        if not found:
            found = make().encode()
            file.write(found + b"\n")
    return found


def _find(path: Path) -> bytes:
    """What the file holds; empty where there is none."""
    try:
        return path.read_bytes().strip()
    except FileNotFoundError:
        return b""
