"""Jobs whose server is killed, frozen or told to stop: another one goes on, nothing is put in twice, nothing is left out."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from chaos.instances import PLAIN, Instance

pytestmark = [pytest.mark.serial, pytest.mark.timeout(180)]

KEY = "staff-key-of-the-tests-which-is-long-enough"
STAFF = {"X-API-Key": KEY}
LEASE_SECONDS = 3
ROWS = 240


class Desks:
    """Servers on one database, and what staff ask of them."""

    def __init__(self, instances: list[Instance], http: aiohttp.ClientSession) -> None:
        self.instances = instances
        self._http = http

    async def put_in(self, name: str, rows: int, *, at: int = 0) -> str:
        """A table of `rows` documents as a job; returns its id."""
        lines = (
            json.dumps({"_id": f"{name}{row}", "title": f"{name} {row}", "text": f"The {name} number {row} is green."})
            for row in range(rows)
        )
        form = aiohttp.FormData()
        form.add_field("files", "\n".join(lines).encode(), filename=f"{name}.jsonl", content_type="application/x-ndjson")
        url = f"{self.instances[at].base}/api/knowledge/documents"
        async with self._http.post(url, data=form, headers=STAFF | {"Prefer": "respond-async"}) as answer:
            assert answer.status == 202, await answer.text()
            return str((await answer.json())["job_id"])

    async def job(self, job_id: str, *, at: int = 0) -> dict[str, Any]:
        async with self._http.get(f"{self.instances[at].base}/api/jobs/{job_id}", headers=STAFF) as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def until(self, job_id: str, *, indexed: int, at: int = 0) -> dict[str, Any]:
        async with asyncio.timeout(90):
            while (job := await self.job(job_id, at=at))["indexed"] < indexed:
                assert job["state"] in ("queued", "running"), job
                await asyncio.sleep(0.02)
        return job

    async def ended(self, job_id: str, *, at: int = 0) -> dict[str, Any]:
        async with asyncio.timeout(120):
            while (job := await self.job(job_id, at=at))["ended_at"] is None:  # noqa: ASYNC110 - another process does it
                await asyncio.sleep(0.05)
        return job

    async def revisions(self, *, at: int = 0) -> list[int]:
        """How often each document was put in."""
        found: list[int] = []
        url = f"{self.instances[at].base}/api/knowledge/documents"
        while True:
            async with self._http.get(url, params={"limit": "500", "offset": str(len(found))}, headers=STAFF) as answer:
                page = [document["revision"] for document in await answer.json()]
            found += page
            if not page:
                return found

    async def completed_by(self, at: int) -> int:
        """How many jobs an instance brought to their end."""
        async with self._http.get(f"{self.instances[at].base}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        return sum(int(float(line.split()[1])) for line in lines if line.startswith('deskhand_jobs_total{outcome="completed"}'))


@asynccontextmanager
async def desks(folder: Path, *, count: int, **settings: str) -> AsyncIterator[Desks]:
    environment = {
        "DESKHAND_ENVIRONMENT": "testing",
        "DESKHAND_ADMIN_API_KEY": KEY,
        "DESKHAND_JOBS_LEASE_SECONDS": str(LEASE_SECONDS),
        "DESKHAND_KNOWLEDGE_SAMPLES": "false",
        "DESKHAND_RATE_LIMIT_ENABLED": "false",
        **{f"DESKHAND_{name.upper()}": value for name, value in settings.items()},
    }
    async with AsyncExitStack() as opened:
        http = await opened.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)))
        instances: list[Instance] = []
        for number in range(count):
            own = {"DESKHAND_DATA_DIR": str(folder / f"data{number}")}
            instance = Instance(folder / f"instance{number}", command=PLAIN, environment=environment | own)
            opened.push_async_callback(instance.close)
            await instance.start()
            instances.append(instance)
        yield Desks(instances, http)


def whole(job: dict[str, Any], rows: int = ROWS) -> None:
    """All of it was put in, each document counted once, however often the job was begun."""
    assert (job["state"], job["indexed"], job["unchanged"], job["failed"], job["done"]) == ("completed", rows, 0, 0, rows), job


async def test_the_only_server_goes_on_after_a_kill_where_it_stood(tmp_path: Path) -> None:
    async with desks(tmp_path, count=1) as desk:
        job_id = await desk.put_in("apple", ROWS)
        for indexed in (32, 160):
            await desk.until(job_id, indexed=indexed)
            await desk.instances[0].restart()
        whole(await desk.ended(job_id))
        assert await desk.revisions() == [1] * ROWS


async def test_two_servers_share_the_jobs_and_one_goes_on_when_the_other_is_killed(tmp_path: Path, postgres_url: str) -> None:
    async with desks(tmp_path, count=2, database_url=postgres_url, jobs_concurrency="1") as desk:
        small = [await desk.put_in(f"pear{number}", 60) for number in range(4)]
        for job_id in small:
            whole(await desk.ended(job_id), 60)
        assert [await desk.completed_by(at) > 0 for at in (0, 1)] == [True, True]
        large = [await desk.put_in(name, ROWS) for name in ("plum", "fig")]
        for job_id in large:
            await desk.until(job_id, indexed=32, at=1)
        await desk.instances[0].kill()
        for job_id in large:
            whole(await desk.ended(job_id, at=1))
        assert await desk.revisions(at=1) == [1] * (4 * 60 + 2 * ROWS)


async def test_a_server_that_stood_still_puts_nothing_in_after_it_was_overtaken(tmp_path: Path, postgres_url: str) -> None:
    async with desks(tmp_path, count=2, database_url=postgres_url) as desk:
        # Who begins it is not known, so both stand still for a while, one after the other.
        job_id = await desk.put_in("grape", ROWS)
        await desk.until(job_id, indexed=32)
        for at in (0, 1):
            await desk.instances[at].freeze(LEASE_SECONDS + 2)
        whole(await desk.ended(job_id))
        assert await desk.revisions() == [1] * ROWS


async def test_a_server_that_is_told_to_stop_hands_its_job_over_at_once(tmp_path: Path, postgres_url: str) -> None:
    # With a lease of minutes, nobody goes on unless it was given back.
    async with desks(tmp_path, count=1, database_url=postgres_url, jobs_lease_seconds="600") as desk:
        job_id = await desk.put_in("melon", ROWS)
        await desk.until(job_id, indexed=32)
        desk.instances[0].send(signal.SIGTERM)
        await desk.instances[0].wait_until_ended(seconds=15)
        await desk.instances[0].restart()
        job = await desk.ended(job_id)
        whole(job)
        assert job["attempt"] == 1
