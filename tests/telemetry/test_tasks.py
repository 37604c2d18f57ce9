"""What becomes of tasks in the background that cannot go on."""

import asyncio
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from deskhand.errors import PartDown
from deskhand.telemetry import Metrics, Supervisor


def faults(metrics: Metrics) -> float:
    return sum(sample.value for family in metrics.task_faults.collect() for sample in family.samples if sample.name.endswith("_total"))


@pytest.fixture
def logs() -> Iterator[list[EventDict]]:
    with capture_logs() as entries:
        yield entries


@pytest.mark.parametrize(
    ("error", "event", "counted"),
    [(PartDown("The database is away."), "task_put_off", 0), (RuntimeError("a fault of ours"), "task_failed", 1)],
)
async def test_a_task_starts_again_and_a_part_that_is_down_is_no_fault_of_it(
    logs: list[EventDict], error: Exception, event: str, counted: int
) -> None:
    metrics = Metrics()
    supervisor = Supervisor(metrics)
    began_again = asyncio.Event()
    errors = [error]

    async def work() -> None:
        if errors:
            raise errors.pop()
        began_again.set()

    task = supervisor.start(work, name="look", restart=True)
    async with asyncio.timeout(10):
        await began_again.wait()
        await task
    assert [(entry["event"], "exc_info" in entry) for entry in logs] == [(event, event == "task_failed")]
    assert faults(metrics) == counted
    await supervisor.close()
