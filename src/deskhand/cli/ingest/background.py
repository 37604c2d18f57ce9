"""`deskhand ingest --background`: the files are kept in the database, and a server that runs on it puts them in.

The invariant: a job whose id was printed needs nothing of this machine any more.
"""

from collections.abc import Iterator, Sequence

from deskhand.cli.ingest.sources import Origin
from deskhand.cli.queue import job_as_json, order_for, with_queue
from deskhand.cli.terminal import by_whom, plain, print_json, remarks
from deskhand.jobs import Item, Job, JobQueue, Order
from deskhand.knowledge import SourceDocument, Tier, UnreadableSource


def hand_over(origins: Sequence[Origin | str], *, tier: Tier, sync: bool, as_json: bool) -> None:
    """Make a job of each thing that was named, and print their ids. Raises TooMuchWaits and what opening the database does."""

    async def queue_all(queue: JobQueue) -> list[Job]:
        return [await _queue(queue, origin, tier=tier, sync=sync) for origin in origins]

    jobs = with_queue(queue_all)
    if as_json:
        print_json([job_as_json(job) for job in jobs])
        return
    for job in jobs:
        # Not by the console, which turns tabs into spaces.
        print(f"{job.id}\t{plain(job.order.label)}")
    remarks().print("Follow one with 'deskhand knowledge jobs ID --wait'.")


async def _queue(queue: JobQueue, origin: Origin | str, *, tier: Tier, sync: bool) -> Job:
    if isinstance(origin, str):
        return await queue.fetch(order_for(origin, tier=tier, sync=sync))
    order = Order(label=origin.name, requested_by=by_whom(), tier=tier, scope=origin.scope, sync=sync)
    return await queue.read(order, _items(origin))


def _items(origin: Origin) -> Iterator[Item]:
    for source in origin.on_this_machine():
        if isinstance(source, UnreadableSource):
            yield Item(source.origin, source.source, source.source, None, problem=source.reason)
        elif isinstance(source, SourceDocument):
            yield Item(source.origin, source.source, source.filename, source.data, source.content_type, source.title, source.url)
