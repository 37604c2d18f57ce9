"""Logs, metrics and the supervision of background tasks. No secret and no message body leaves through here."""

from deskhand.telemetry.logs import LogTarget, configure_logging, default_log_file
from deskhand.telemetry.metrics import Metrics
from deskhand.telemetry.process import bound_kept_memory, give_back_memory, spare_what_stays
from deskhand.telemetry.redaction import Redactor, redactor
from deskhand.telemetry.tasks import Supervisor

__all__ = [
    "LogTarget",
    "Metrics",
    "Redactor",
    "Supervisor",
    "bound_kept_memory",
    "configure_logging",
    "default_log_file",
    "give_back_memory",
    "redactor",
    "spare_what_stays",
]
