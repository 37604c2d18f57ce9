"""At most one server process for an SQLite file.

Two would each believe that a turn the other runs was left by a process that is gone. Commands that read or add documents need no lock.
"""

import fcntl
import os
from io import TextIOWrapper
from pathlib import Path

from deskhand.errors import ConfigurationError


class ServerLock:
    """Held from `acquire` until `release` or the end of the process, however it ends."""

    def __init__(self, database_file: Path) -> None:
        self._database_file = database_file
        self._file: TextIOWrapper | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            ConfigurationError: another process serves this file; names it.
        """
        file = Path(f"{self._database_file}.lock").open("a+", encoding="ascii")  # noqa: SIM115 - held open as long as the lock
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise ConfigurationError(
                f"Another Deskhand (process {holder}) serves {self._database_file}.",
                support="Stop it first, or give this one another DESKHAND_DATA_DIR. Several servers at once need PostgreSQL.",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
