"""Ingestion as work in the background: asked for here or on the command line, done by whichever server has time, and finished."""

from deskhand.jobs.errors import JobEnded, JobNotFound, ScheduleNotFound, TooMuchWaits
from deskhand.jobs.model import Item, Job, JobKind, JobRules, JobState, Order, QueueFigures, Schedule
from deskhand.jobs.queue import JobQueue
from deskhand.jobs.worker import JobWorker

__all__ = [
    "Item",
    "Job",
    "JobEnded",
    "JobKind",
    "JobNotFound",
    "JobQueue",
    "JobRules",
    "JobState",
    "JobWorker",
    "Order",
    "QueueFigures",
    "Schedule",
    "ScheduleNotFound",
    "TooMuchWaits",
]
