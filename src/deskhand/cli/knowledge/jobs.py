"""`deskhand knowledge jobs` and `schedules`: what is put in in the background, how far it is, and what is fetched again and again."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from deskhand.cli.queue import as_json_object, job_as_json, order_for, with_queue
from deskhand.cli.terminal import output, plain, print_json, print_table, remarks, shown
from deskhand.clock import SystemClock
from deskhand.jobs import Job, JobQueue, JobState
from deskhand.knowledge import Tier

_LOOK_SECONDS = 0.3
_FAILURES_SHOWN = 20
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def jobs_command(
    *,
    name: Annotated[str | None, typer.Argument(metavar="[ID]", help="A job's id; without one, all are listed.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the job until it has ended.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Stop the job. What it has put in stays.")] = False,
    state: Annotated[JobState | None, typer.Option(help="Only those in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 20,
    as_json: Json = False,
) -> None:
    """List what is put in in the background, or show, follow or stop one job. A running server does the work.

    Exit codes: 0 well; 1 the job failed, was stopped, or could not put in some of it; 2 wrong usage.
    """
    if name is None:
        if wait or cancel:
            raise typer.BadParameter("Name the job by its id.")
        found, total = with_queue(lambda queue: queue.list_jobs(state=state, limit=limit))
        if as_json:
            print_json({"jobs": [job_as_json(job) for job in found], "total": total})
        else:
            _show_jobs(found, total=total, console=output(), notes=remarks())
        return
    if cancel:
        job = with_queue(lambda queue: queue.cancel(name))
    elif wait:
        job = wait_for(name)
    else:
        job = with_queue(lambda queue: queue.get_job(name))
    tell_of(job, wants_json=as_json)


def schedules_command(
    *,
    add: Annotated[str | None, typer.Option("--add", metavar="URL", help="Fetch this address now, and again and again.")] = None,
    every: Annotated[float, typer.Option("--every", min=1, max=8_760, metavar="HOURS", help="How often it is fetched.")] = 24,
    tier: Annotated[Tier, typer.Option("--audience", help="Who may be answered from it.")] = Tier.PUBLIC,
    keep: Annotated[bool, typer.Option("--keep-missing", help="Keep documents that are no longer there.")] = False,
    remove: Annotated[str | None, typer.Option("--remove", metavar="ID", help="Fetch it no more; its documents stay.")] = None,
    as_json: Json = False,
) -> None:
    """List what is fetched again and again, add to it, or take from it. A running server fetches it."""
    if add is not None and remove is not None:
        raise typer.BadParameter("Either --add or --remove.")
    if remove is not None:
        with_queue(lambda queue: queue.delete_schedule(remove))
        output().print(f"Not fetched any more: {plain(remove)}")
        return
    if add is not None:
        order = order_for(add, tier=tier, sync=not keep)
        found = [with_queue(lambda queue: queue.schedule(order, every_hours=every))]
    else:
        found = with_queue(lambda queue: queue.list_schedules())
    if as_json:
        print_json([as_json_object(schedule) for schedule in found])
    else:
        rows = [(item.id, f"{item.every_hours:g} h", item.tier.value, shown(item.next_run_at), plain(item.url)) for item in found]
        print_table(("ID", "Every", "Audience", "Next (UTC)", "Address"), rows, console=output())


def wait_for(job_id: str) -> Job:
    """Show how far a job is until it has ended. Stopping to look does not stop the job."""
    from deskhand.cli.ingest.progress import meter  # noqa: PLC0415 - brings aiohttp, which the other commands do without

    notes = remarks()
    with meter(notes, clock=SystemClock()) as progress:

        async def follow(queue: JobQueue) -> Job:
            job = await queue.get_job(job_id)
            while not job.state.is_final:
                progress.show(done=job.done, total=job.total, chunks=job.chunks, failed=job.failed)
                progress.look(job.current or f"({job.state.value})")
                await asyncio.sleep(_LOOK_SECONDS)
                job = await queue.get_job(job_id)
            return job

        return with_queue(follow)


def tell_of(job: Job, *, wants_json: bool) -> None:
    """Print a job; ends with 1 if it did not do all it should."""
    if wants_json:
        print_json(job_as_json(job))
    else:
        _show_job(job, console=output(), notes=remarks())
    if job.state is JobState.FAILED or (job.state is JobState.COMPLETED and job.failed):
        raise typer.Exit(1)


def _show_jobs(found: list[Job], *, total: int, console: Console, notes: Console) -> None:
    rows = [(job.id, job.state.value, _done(job), str(job.failed), shown(job.created_at), plain(job.order.label)) for job in found]
    print_table(("ID", "State", "Done", "Failed", "Asked for (UTC)", "What"), rows, console=console)
    if total > len(found):
        notes.print(f"{len(found)} of {total}; --limit shows others.")


def _show_job(job: Job, *, console: Console, notes: Console) -> None:
    counts = f"{job.indexed} indexed, {job.unchanged} unchanged, {job.removed} removed, {job.failed} failed"
    console.print(f"{job.id}  {job.state.value}  {_done(job)}  {counts}  {plain(job.order.label)}")
    if job.error_message is not None:
        notes.print(plain(job.error_message), style="red")
    failures = job.report["failed"] if job.report is not None else []
    for failure in failures[:_FAILURES_SHOWN]:
        notes.print(f"  ✗ {plain(failure['source'])}: {plain(failure['reason'])}", style="red")
    if len(failures) > _FAILURES_SHOWN:
        notes.print(f"  … and {job.failed - _FAILURES_SHOWN} more; --json lists them.", style="red")
    if job.report is not None and job.report["incomplete"]:
        notes.print("Nothing was removed, because not all of it can be read.", style="yellow")


def _done(job: Job) -> str:
    return f"{job.done} of {'?' if job.total is None else job.total}"
