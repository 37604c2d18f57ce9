"""Where logs go and how they look: a console for people in development, JSON elsewhere, and a file outside development.

The invariant: every entry, ours or a library's, passes the redactor before it is written, and is rendered once for each way it looks.
That an entry cannot be written never fails what it tells of: a server whose disk is full still answers from what it has.
Loggers are made at import; only the one `_output` behind them changes.
"""

import logging
import logging.handlers
import sys
import threading
import traceback
from collections.abc import MutableMapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

import msgspec
import structlog

from deskhand.errors import ConfigurationError
from deskhand.settings import Environment, Settings
from deskhand.telemetry.redaction import redactor

Event = MutableMapping[str, Any]

_LARGEST_FILE_BYTES = 20_000_000
_FILES_KEPT = 5
_CHATTY = ("uvicorn.error", "uvicorn.access", "asyncio", "alembic", "httpx2", "httpcore2", "websockets")
_COLOURS = {"debug": "\x1b[2m", "info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31;1m"}
_RESET = "\x1b[0m"


class LogTarget(StrEnum):
    """`SERVER`: standard error and, outside development, the file. `COMMAND`: warnings on standard error only. `REPORT`: errors alone, from
    a command that tells by itself what is wrong."""

    SERVER = "server"
    COMMAND = "command"
    REPORT = "report"


_LEAST = {LogTarget.SERVER: logging.NOTSET, LogTarget.COMMAND: logging.WARNING, LogTarget.REPORT: logging.ERROR}


def default_log_file(settings: Settings) -> Path | None:
    """The file that logs go to; None in development unless one is set."""
    if settings.log_file is not None:
        return settings.log_file
    if settings.environment is Environment.DEVELOPMENT:
        return None
    return settings.data_dir / "logs" / "deskhand.log"


def configure_logging(settings: Settings, *, target: LogTarget = LogTarget.SERVER, stream: TextIO | None = None) -> None:
    """Send all logs of the process where the settings say. May be called again: the last call counts.

    Raises:
        ConfigurationError: the log file cannot be written.
    """
    redactor.learn_settings(settings)
    level = logging.getLevelNamesMapping()[settings.log_level.value]
    if not settings.debug:
        level = max(level, _LEAST[target])
    path = default_log_file(settings)
    file = _open_file(path) if path is not None and target is LogTarget.SERVER else None
    _output.redirect(console=stream or sys.stderr, for_people=settings.environment is Environment.DEVELOPMENT, file=file, level=level)
    root = logging.getLogger()
    if _from_libraries not in root.handlers:
        root.addHandler(_from_libraries)
    root.setLevel(level)
    for name in _CHATTY:
        # At DEBUG some of these write what passes over the wire.
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    if redactor not in structlog.get_config()["processors"]:
        structlog.configure(
            processors=[
                _drop_below_level,
                structlog.contextvars.merge_contextvars,
                structlog.processors.add_log_level,
                _stamp,
                _render_exception,
                redactor,
                _hand_over,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
            logger_factory=lambda *_: _output,
            cache_logger_on_first_use=True,
        )


class _RotatingFile(logging.handlers.RotatingFileHandler):
    """The library's rotation, without its habit of rendering every entry twice."""

    def write(self, line: str) -> None:
        """Raises:
        OSError: the line is not written.
        """
        # A change of files that failed, as on a full disk, leaves none, or one that is closed.
        if self.stream is None or self.stream.closed:
            self.stream = self._open()
        if self.stream.tell() + len(line) > self.maxBytes:
            self.doRollover()
        self.stream.write(line)
        self.stream.flush()


class _Output:
    """What structlog takes for a logger: writes entries to the console and the file. May be called from any thread."""

    def __init__(self) -> None:
        self.level = logging.WARNING
        self._console: TextIO = sys.stderr
        self._people: _Console | None = _Console(colours=False)
        self._file: _RotatingFile | None = None
        self._is_file_failing = False
        self._lock = threading.Lock()

    def redirect(self, *, console: TextIO, for_people: bool, file: _RotatingFile | None, level: int) -> None:
        with self._lock:
            if self._file is not None:
                # What is left in it could not be written before, either.
                with suppress(OSError):
                    self._file.close()
            self.level = level
            self._console = console
            self._people = _Console(colours=console.isatty()) if for_people else None
            self._file = file
            self._is_file_failing = False

    def write(self, event: Event) -> None:
        encoded = msgspec.json.encode(event).decode() + "\n" if self._file is not None or self._people is None else ""
        shown = self._people.render(event) if self._people is not None else encoded
        with self._lock:
            self._show(shown)
            if self._file is not None:
                self._keep(encoded, self._file)

    def _show(self, line: str) -> None:
        if self._console.closed:
            return
        # Nobody reads the console any more, or it goes to a full disk: there is nowhere left to say so.
        with suppress(OSError):
            self._console.write(line)
            self._console.flush()

    def _keep(self, line: str, file: _RotatingFile) -> None:
        """Write to the file; the console tells once when that begins to fail."""
        try:
            file.write(line)
        except OSError as error:
            if not self._is_file_failing:
                event: Event = {"event": "log_file_failed", "level": "error", "file": file.baseFilename, "reason": error.strerror}
                event = _stamp(None, "error", event)
                self._show(self._people.render(event) if self._people is not None else msgspec.json.encode(event).decode() + "\n")
            self._is_file_failing = True
        else:
            self._is_file_failing = False

    debug = info = warning = error = critical = exception = msg = write


class _FromLibraries(logging.Handler):
    """Takes what libraries log through the standard library."""

    def emit(self, record: logging.LogRecord) -> None:
        event: Event = {"event": record.getMessage(), "level": record.levelname.lower(), "logger": record.name, "exc_info": record.exc_info}
        for process in (_stamp, _render_exception, redactor):
            event = process(None, record.levelname, event)
        _output.write(event)


class _Console:
    """One readable line an entry: time, level, event, fields that have a value; a traceback below."""

    __slots__ = ("_colours",)

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours

    def render(self, event: Event) -> str:
        level = str(event.get("level", "info"))
        clock = str(event.get("timestamp", ""))[11:19]
        name = str(event.get("event", ""))
        exception = event.get("exception")
        hidden = ("level", "timestamp", "event", "exception", "logger")
        fields = " ".join(f"{key}={_shown(value)}" for key, value in event.items() if key not in hidden and value is not None)
        if self._colours:
            line = f"\x1b[2m{clock}{_RESET} {_COLOURS.get(level, '')}{level:<7}{_RESET} \x1b[1m{name}{_RESET} {fields}".rstrip()
        else:
            line = f"{clock} {level:<7} {name} {fields}".rstrip()
        return f"{line}\n{exception.rstrip()}\n" if exception else f"{line}\n"


_output = _Output()
_from_libraries = _FromLibraries()
_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)


def _drop_below_level(_logger: Any, method: str, event: Event) -> Event:
    if structlog.processors.NAME_TO_LEVEL[method] < _output.level:
        raise structlog.DropEvent
    return event


def _render_exception(_logger: Any, _method: str, event: Event) -> Event:
    """Turn `exc_info` into text, without the values of local variables: they hold messages and secrets."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    if isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if isinstance(info, tuple) and info[0] is not None:
        event["exception"] = "".join(traceback.format_exception(*info))
    return event


def _hand_over(_logger: Any, _method: str, event: Event) -> tuple[tuple[Event], dict[str, Any]]:
    return (event,), {}


def _open_file(path: Path) -> _RotatingFile:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _RotatingFile(path, maxBytes=_LARGEST_FILE_BYTES, backupCount=_FILES_KEPT, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The log file {path} cannot be written: {error.strerror}.",
            support="Choose another file with DESKHAND_LOG_FILE, or another folder with DESKHAND_DATA_DIR.",
        ) from error


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if text and not any(character in text for character in ' "=\n') else msgspec.json.encode(text).decode()
