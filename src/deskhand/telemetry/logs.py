"""Where logs go and how they look: a console for people in development, JSON elsewhere, and a file outside development.

The invariant: every record, ours or a library's, passes the redactor before it is written. The processors never change once set, only the
handlers do, so loggers made at import keep working.
"""

import logging
import logging.handlers
import sys
import traceback
from collections.abc import MutableMapping
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import msgspec
import structlog

from deskhand.errors import ConfigurationError
from deskhand.settings import Environment, Settings
from deskhand.telemetry.redaction import redactor

_LARGEST_FILE_BYTES = 20_000_000
_FILES_KEPT = 5
_CHATTY = {"uvicorn.error": logging.WARNING, "uvicorn.access": logging.WARNING, "asyncio": logging.WARNING, "alembic": logging.WARNING}
_COLOURS = {"debug": "\x1b[2m", "info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31;1m"}
_RESET = "\x1b[0m"
_OURS = "_deskhand"


class LogTarget(StrEnum):
    """`SERVER`: standard error and, outside development, the file. `COMMAND`: warnings on standard error only."""

    SERVER = "server"
    COMMAND = "command"


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
    _configure_structlog()
    level = logging.getLevelNamesMapping()[settings.log_level.value]
    if target is LogTarget.COMMAND and not settings.debug:
        level = max(level, logging.WARNING)
    output = stream or sys.stderr
    human = settings.environment is Environment.DEVELOPMENT
    console = logging.StreamHandler(output)
    console.setFormatter(_formatter(_Console(colours=output.isatty()) if human else _render_json))
    handlers: list[logging.Handler] = [console]
    path = default_log_file(settings)
    if path is not None and target is LogTarget.SERVER:
        handlers.append(_file_handler(path))
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if handler.get_name() == _OURS]:
        root.removeHandler(handler)
        handler.close()
    for handler in handlers:
        handler.set_name(_OURS)
        root.addHandler(handler)
    root.setLevel(level)
    for name, floor in _CHATTY.items():
        logging.getLogger(name).setLevel(max(level, floor))
        logging.getLogger(name).propagate = True


def _configure_structlog() -> None:
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _file_handler(path: Path) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(path, maxBytes=_LARGEST_FILE_BYTES, backupCount=_FILES_KEPT, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The log file {path} cannot be written: {error.strerror}.",
            support="Choose another file with DESKHAND_LOG_FILE, or another folder with DESKHAND_DATA_DIR.",
        ) from error
    handler.setFormatter(_formatter(_render_json))
    return handler


def _formatter(renderer: Any) -> structlog.stdlib.ProcessorFormatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _render_exception,
            redactor,
            renderer,
        ],
    )


def _render_exception(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Turn `exc_info` into text, without the values of local variables: they hold messages and secrets."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    if isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if isinstance(info, tuple) and info[0] is not None:
        kind: type[BaseException] = info[0]
        error: BaseException = info[1]
        trace: TracebackType | None = info[2]
        event["exception"] = "".join(traceback.format_exception(kind, error, trace))
    return event


def _render_json(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    return msgspec.json.encode(event).decode()


class _Console:
    """One readable line an entry: time, level, event, fields; a traceback below."""

    __slots__ = ("_colours",)

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
        level = str(event.pop("level", "info"))
        clock = str(event.pop("timestamp", ""))[11:19]
        name = str(event.pop("event", ""))
        event.pop("logger", None)
        exception = event.pop("exception", None)
        fields = " ".join(f"{key}={_shown(value)}" for key, value in event.items())
        if self._colours:
            line = f"\x1b[2m{clock}{_RESET} {_COLOURS.get(level, '')}{level:<7}{_RESET} \x1b[1m{name}{_RESET} {fields}".rstrip()
        else:
            line = f"{clock} {level:<7} {name} {fields}".rstrip()
        return f"{line}\n{exception}".rstrip() if exception else line


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if text and not any(character in text for character in ' "=\n') else msgspec.json.encode(text).decode()
