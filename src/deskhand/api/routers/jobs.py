"""Work in the background: what waits, how far it is, and what is fetched again and again.

The invariant: what is shown is what is stored, so every instance shows the same, whichever does the work.
"""

from typing import Annotated

from fastapi import Path, Query, Request, Response

from deskhand.api import documented, job_schemas, sse
from deskhand.api.auditing import AuditedRoute, recording
from deskhand.api.body import read_json
from deskhand.api.identity import KnowledgeEditorDep, KnowledgeReaderDep, check_scope, require_staff
from deskhand.api.job_stream import stream_job
from deskhand.api.routing import Routes
from deskhand.api.services import ServicesDep
from deskhand.jobs import Order
from deskhand.knowledge import Tier
from deskhand.roles import Scope

router = Routes(tags=["jobs"], route_class=AuditedRoute)

JobName = Annotated[str, Path(pattern=r"^job_[0-9a-f]{24}$")]
ScheduleName = Annotated[str, Path(pattern=r"^sched_[0-9a-f]{24}$")]

_VIEW = {"schema": {"$ref": documented.reference(job_schemas.JobView)}}


@router.get("/jobs", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 422, 503))
async def list_jobs(
    _staff: KnowledgeReaderDep, services: ServicesDep, response: Response, query: Annotated[job_schemas.ListJobs, Query()]
) -> list[job_schemas.JobView]:
    """Jobs, newest first, without their reports; how many there are in all is in `X-Total-Count`."""
    found, total = await services.jobs.list_jobs(state=query.state, limit=query.limit, offset=query.offset)
    response.headers["X-Total-Count"] = str(total)
    return [job_schemas.JobView.of(job) for job in found]


@router.get(
    "/jobs/{job_id}",
    openapi_extra=documented.STAFF,
    response_class=Response,
    responses={
        200: {
            "description": "The job; with `Accept: text/event-stream` how far it is, each time it gets further, until it has ended.",
            "content": {"application/json": _VIEW, **documented.EVENTS},
        },
        **documented.errors(401, 403, 404, 422, 503),
    },
)
async def get_job(_staff: KnowledgeReaderDep, request: Request, services: ServicesDep, job_id: JobName) -> Response:
    """The job as it stands."""
    job = await services.jobs.get_job(job_id)
    if sse.are_wanted(request):

        async def check() -> None:
            check_scope(await require_staff(request), Scope.KNOWLEDGE_READ)

        return stream_job(job, services, check=check)
    return Response(job_schemas.JobView.of(job).model_dump_json(), media_type="application/json")


@router.post("/jobs/{job_id}/cancel", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 404, 409, 422, 503))
async def cancel_job(_staff: KnowledgeEditorDep, request: Request, services: ServicesDep, job_id: JobName) -> job_schemas.JobView:
    """Stop a job. What it has put in stays; one that runs stops within a second or two."""
    return job_schemas.JobView.of(await services.jobs.cancel(job_id, along=recording(request)))


@router.get("/knowledge/schedules", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 503))
async def list_schedules(_staff: KnowledgeReaderDep, services: ServicesDep) -> list[job_schemas.ScheduleView]:
    """What is fetched again and again, by address."""
    return [job_schemas.ScheduleView.of(schedule) for schedule in await services.jobs.list_schedules()]


@router.post(
    "/knowledge/schedules",
    status_code=201,
    openapi_extra={**documented.STAFF, **documented.body(job_schemas.ScheduleSource)},
    responses=documented.errors(401, 403, 413, 415, 422, 503),
)
async def put_schedule(staff: KnowledgeEditorDep, request: Request, services: ServicesDep) -> job_schemas.ScheduleView:
    """Fetch an address now and every so many hours. If it is scheduled already, that is changed."""
    wanted = await read_json(request, job_schemas.ScheduleSource)
    order = Order(
        label=wanted.fetch,
        requested_by=staff.name,
        tier=Tier(wanted.tier),
        url=wanted.fetch,
        scope=services.fetching.fetcher().scope_of(wanted.fetch),
        sync=wanted.sync,
    )
    stored = await services.jobs.schedule(order, every_hours=wanted.every_hours, along=recording(request))
    return job_schemas.ScheduleView.of(stored)


@router.delete("/knowledge/schedules/{schedule_id}", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 404, 422, 503))
async def delete_schedule(
    _staff: KnowledgeEditorDep, request: Request, services: ServicesDep, schedule_id: ScheduleName
) -> job_schemas.ScheduleDeleted:
    """Fetch it no more. The documents that came from it stay."""
    await services.jobs.delete_schedule(schedule_id, along=recording(request))
    return job_schemas.ScheduleDeleted(message="It is not fetched any more; its documents stay.", schedule_id=schedule_id)
