"""Putting documents in in the background, over HTTP: asked for, followed, stopped, and fetched again and again."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from api.serving import STAFF, Served, serving, settings_in

DOCUMENTS = "/api/knowledge/documents"
SCHEDULES = "/api/knowledge/schedules"
LATER = STAFF | {"Prefer": "respond-async"}
FINAL = {"completed", "failed", "cancelled"}


async def ended(served: Served, job_id: str) -> dict[str, Any]:
    """The job once it has ended, as its stream tells."""
    answer = await served.http.get(f"/api/jobs/{job_id}", headers=STAFF | {"Accept": "text/event-stream"})
    name, data = answer.text.strip().split("\n\n")[-1].split("\n")
    assert name == "event: report"
    job: dict[str, Any] = json.loads(data.removeprefix("data: "))
    return job


def files_of(count: int, *, mark: str) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [
        ("files", (f"{mark}-{number}.md", f"# {mark} {number}\n\nIt is {number}.".encode(), "text/markdown")) for number in range(count)
    ]


@pytest.mark.asyncio(loop_scope="module")
async def test_files_are_taken_at_once_and_put_in_by_and_by(shared: Served) -> None:
    files = [*files_of(3, mark="later"), ("files", ("faq.csv", b"question,answer\nWhere?,In Berlin.\nWhen?,Now.\n", "text/csv"))]
    files.append(("files", ("tool.exe", b"MZ\0\0", "application/octet-stream")))
    answer = await shared.http.post(DOCUMENTS, files=files, data={"tier": "customers"}, headers=LATER)
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "respond-async")
    taken = answer.json()
    assert (taken["state"], taken["kind"], answer.headers["Location"]) == ("queued", "documents", f"/api/jobs/{taken['job_id']}")
    job = await ended(shared, taken["job_id"])
    assert (job["state"], job["indexed"], job["unchanged"], job["failed"], job["done"], job["total"]) == ("completed", 5, 0, 1, 6, 6)
    assert [failure["source"] for failure in job["report"]["failed"]] == ["tool.exe"]
    assert job["started_at"] <= job["ended_at"]
    listed = (await shared.http.get(DOCUMENTS, params={"text": "later-"}, headers=STAFF)).json()
    assert {(document["source"], document["tier"]) for document in listed} == {(f"later-{number}.md", "customers") for number in range(3)}


@pytest.mark.asyncio(loop_scope="module")
async def test_the_same_files_later_are_the_same_documents_as_at_once(shared: Served) -> None:
    files = [*files_of(2, mark="same"), ("files", ("same.csv", b"question,answer\nWho?,We.\n", "text/csv"))]
    at_once = (await shared.http.post(DOCUMENTS, files=files, headers=STAFF)).json()
    later = await ended(shared, (await shared.http.post(DOCUMENTS, files=files, headers=LATER)).json()["job_id"])
    assert (at_once["indexed"], later["indexed"], later["unchanged"]) == (3, 0, 3)


@pytest.mark.asyncio(loop_scope="module")
async def test_what_staff_changed_is_not_undone_by_the_same_file_sent_later(shared: Served) -> None:
    files = files_of(1, mark="kept")
    first = (await shared.http.post(DOCUMENTS, files=files, headers=STAFF)).json()["documents"][0]
    await shared.http.put(f"{DOCUMENTS}/{first['document_id']}", json={"text": "Changed by hand."}, headers=STAFF)
    job = await ended(shared, (await shared.http.post(DOCUMENTS, files=files, headers=LATER)).json()["job_id"])
    assert job["indexed"] == 1
    shown = (await shared.http.get(f"{DOCUMENTS}/{first['document_id']}", headers=STAFF)).json()
    assert shown["parts"][0]["text"] == "Changed by hand."


@pytest.mark.asyncio(loop_scope="module")
async def test_words_with_dates_can_be_put_in_later_too(shared: Served) -> None:
    body = {"title": "Christmas", "text": "We are closed.", "effective_from": "2031-12-24T00:00:00Z"}
    job = await ended(shared, (await shared.http.post(DOCUMENTS, json=body, headers=LATER)).json()["job_id"])
    assert (job["label"], job["requested_by"], job["indexed"]) == ("Christmas", "admin", 1)
    found = (await shared.http.get(DOCUMENTS, params={"text": "Christmas"}, headers=STAFF)).json()
    assert [document["state"] for document in found] == ["scheduled"]


@pytest.mark.asyncio(loop_scope="module")
async def test_what_cannot_be_understood_is_refused_before_there_is_a_job(shared: Served) -> None:
    before = (await shared.http.get("/api/jobs", headers=STAFF)).headers["X-Total-Count"]
    assert (await shared.http.post(DOCUMENTS, json={"title": "", "text": "x"}, headers=LATER)).status_code == 422
    refused = await shared.http.post(DOCUMENTS, json={"fetch": "http://user:password@127.0.0.1/"}, headers=LATER)
    assert refused.status_code == 422
    assert (await shared.http.get("/api/jobs", headers=STAFF)).headers["X-Total-Count"] == before


@pytest.mark.asyncio(loop_scope="module")
async def test_a_job_that_has_ended_cannot_be_stopped_and_one_that_never_was_is_not_there(shared: Served) -> None:
    taken = (await shared.http.post(DOCUMENTS, files=files_of(1, mark="over"), headers=LATER)).json()
    await ended(shared, taken["job_id"])
    late = await shared.http.post(f"/api/jobs/{taken['job_id']}/cancel", headers=STAFF)
    assert (late.status_code, late.json()["error"], late.json()["details"]) == (409, "job_ended", {"state": "completed"})
    absent = await shared.http.get(f"/api/jobs/job_{'0' * 24}", headers=STAFF)
    assert (absent.status_code, absent.json()["error"]) == (404, "job_not_found")


class Site:
    """A site of three pages whose sitemap can be asked for, and whose pages can be held."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.free = asyncio.Event()
        self.free.set()
        self.base = ""
        self.pages: dict[str, str] = {}
        self.add(3)

    def add(self, count: int) -> None:
        for number in range(count):
            self.pages[f"/page{number}"] = f"<html><title>Page {number}</title><body><p>Page {number}.</p></body></html>"
        self.held = set(self.pages)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if request.path == "/sitemap.xml":
            places = "".join(f"<url><loc>{self.base}{path}</loc></url>" for path in self.pages)
            text = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{places}</urlset>'
            return web.Response(text=text, content_type="application/xml")
        if request.path not in self.pages:
            raise web.HTTPNotFound
        if request.path in self.held:
            await self.free.wait()
        return web.Response(text=self.pages[request.path], content_type="text/html")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    found = Site()
    application = web.Application()
    application.router.add_get("/{path:.*}", found.answer)
    async with TestServer(application) as server:
        found.base = str(server.make_url("")).rstrip("/")
        yield found
        found.free.set()


@pytest.fixture
async def fetching(tmp_path, site: Site) -> AsyncIterator[Served]:
    async with serving(settings_in(tmp_path, fetch_allowed_networks=["127.0.0.1/32"])) as served:
        yield served


async def test_a_site_is_fetched_by_a_job_and_a_job_that_runs_is_stopped(fetching: Served, site: Site) -> None:
    wanted = {"fetch": f"{site.base}/sitemap.xml"}
    job = await ended(fetching, (await fetching.http.post(DOCUMENTS, json=wanted, headers=LATER)).json()["job_id"])
    assert (job["kind"], job["state"], job["indexed"], job["total"]) == ("address", "completed", 3, 3)
    site.free.clear()
    site.asked.clear()
    held = (await fetching.http.post(DOCUMENTS, json=wanted, headers=LATER)).json()["job_id"]
    async with asyncio.timeout(20):
        while "/page0" not in site.asked:  # noqa: ASYNC110 - the site tells nobody
            await asyncio.sleep(0.02)
    stopped = await fetching.http.post(f"/api/jobs/{held}/cancel", headers=STAFF)
    assert stopped.json()["cancel_requested"]
    assert (await ended(fetching, held))["state"] == "cancelled"


async def test_what_is_scheduled_is_fetched_at_once_and_what_is_gone_there_goes_here(fetching: Served, site: Site) -> None:
    wanted = {"fetch": f"{site.base}/sitemap.xml", "every_hours": 6}
    put = await fetching.http.post(SCHEDULES, json=wanted, headers=STAFF)
    assert put.status_code == 201
    first = await last_job(fetching, None)
    assert (first["indexed"], first["schedule_id"]) == (3, put.json()["schedule_id"])
    del site.pages["/page1"]
    again = await fetching.http.post(SCHEDULES, json=wanted | {"every_hours": 12}, headers=STAFF)
    assert again.json()["schedule_id"] == put.json()["schedule_id"]
    second = await last_job(fetching, first["job_id"])
    assert (second["removed"], second["unchanged"]) == (1, 2)
    shown = (await fetching.http.get(SCHEDULES, headers=STAFF)).json()
    assert [(schedule["every_hours"], schedule["last_job_id"]) for schedule in shown] == [(12, second["job_id"])]
    deleted = await fetching.http.delete(f"{SCHEDULES}/{put.json()['schedule_id']}", headers=STAFF)
    assert deleted.status_code == 200
    assert (await fetching.http.get(SCHEDULES, headers=STAFF)).json() == []
    assert (await fetching.http.delete(f"{SCHEDULES}/{put.json()['schedule_id']}", headers=STAFF)).status_code == 404


async def last_job(served: Served, before: str | None) -> dict[str, Any]:
    """The job of the only schedule after `before`, once it has ended."""
    async with asyncio.timeout(30):
        while (found := (await served.http.get(SCHEDULES, headers=STAFF)).json()[0]["last_job_id"]) in (None, before):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.05)
    return await ended(served, found)


async def test_more_than_may_wait_is_refused_and_nothing_of_it_stays(tmp_path) -> None:
    async with serving(settings_in(tmp_path, jobs_concurrency=0, jobs_max_bytes=1_000_000)) as served:
        large = [("files", (f"{number}.txt", b"a" * 400_000, "text/plain")) for number in range(2)]
        first = await served.http.post(DOCUMENTS, files=large, headers=LATER)
        assert first.status_code == 202
        refused = await served.http.post(DOCUMENTS, files=large, headers=LATER)
        assert (refused.status_code, refused.json()["error"]) == (503, "jobs_full")
        assert "Retry-After" in refused.headers
        assert (await served.http.get("/api/jobs", headers=STAFF)).headers["X-Total-Count"] == "1"
        stopped = await served.http.post(f"/api/jobs/{first.json()['job_id']}/cancel", headers=STAFF)
        assert stopped.json()["state"] == "cancelled"
        assert (await served.http.post(DOCUMENTS, files=large, headers=LATER)).status_code == 202


async def test_pages_that_are_in_are_not_asked_for_again_when_another_server_goes_on(tmp_path, site: Site) -> None:
    site.add(40)
    site.held = {"/page39"}
    site.free.clear()
    settings = settings_in(tmp_path, fetch_allowed_networks=["127.0.0.1/32"])
    async with serving(settings) as served:
        wanted = {"fetch": f"{site.base}/sitemap.xml"}
        job_id = (await served.http.post(DOCUMENTS, json=wanted, headers=LATER)).json()["job_id"]
        async with asyncio.timeout(30):
            while not (await served.services.jobs.get_job(job_id)).indexed:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.02)
    asked, site.asked = site.asked, []
    site.free.set()
    assert len(asked) > 32
    async with serving(settings) as served:
        job = await ended(served, job_id)
        stored = (await served.http.get(DOCUMENTS, params={"limit": "500"}, headers=STAFF)).json()
    assert (job["state"], job["indexed"], job["unchanged"], job["attempt"]) == ("completed", 40, 0, 1)
    assert [document["revision"] for document in stored] == [1] * 40
    assert len(site.asked) <= 2 + 40 - 32
