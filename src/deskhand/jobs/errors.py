"""What can be wrong with a job, for those who ask for one."""

from deskhand.errors import Conflict, NotFound, PartDown


class JobNotFound(NotFound):
    """There is no such job, or it ended longer ago than jobs are kept."""

    code = "job_not_found"


class JobEnded(Conflict):
    """The job has ended, so there is nothing to stop."""

    code = "job_ended"


class ScheduleNotFound(NotFound):
    """There is no such schedule."""

    code = "schedule_not_found"


class TooMuchWaits(PartDown):
    """More waits to be read already than is kept."""

    code = "jobs_full"
    support = "Wait until some of it is done, or raise DESKHAND_JOBS_MAX_BYTES."


class FenceLost(Exception):
    """Another worker has the job, or it has ended: nothing that is done for it counts any more."""
