"""Work in the background from the command line: handed over to a server that runs, followed, stopped, scheduled."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cli.program import Program


@asynccontextmanager
async def serving(program: Program) -> AsyncIterator[None]:
    process = await program.start("serve")
    try:
        yield
    finally:
        process.terminate()
        async with asyncio.timeout(30):
            await process.communicate()


async def test_a_folder_is_handed_over_to_a_server_and_followed_to_the_end(program: Program, handbook: Path) -> None:
    (handbook / "broken.pdf").write_bytes(b"%PDF-1.4 and then nothing")
    handed = (await program.run("ingest", "--background", "--sync", str(handbook))).went_well()
    found = re.match(r"(job_[0-9a-f]{24})\t", handed.out)
    assert found is not None, handed.out
    listed = (await program.run("knowledge", "jobs")).went_well()
    assert [line.split("\t")[:3] for line in listed.out.splitlines()] == [[found[1], "queued", "0 of ?"]]
    # What the server needs of it is in the database by now.
    (handbook / "tea.md").unlink()
    async with serving(program):
        done = await program.run("knowledge", "jobs", found[1], "--wait")
    assert done.code == 1
    assert "completed  4 of 4  3 indexed, 0 unchanged, 0 removed, 1 failed" in done.out
    assert "broken.pdf" in done.err
    shown = json.loads((await program.run("knowledge", "jobs", found[1], "--json")).out)
    assert (shown["state"], shown["indexed"], shown["sync"], shown["requested_by"]) == ("completed", 3, True, "command line")
    assert len(json.loads((await program.run("knowledge", "list", "--json")).out)["documents"]) == 3
    again = json.loads((await program.run("ingest", "--background", "--sync", "--json", str(handbook))).went_well().out)[0]["id"]
    async with serving(program):
        done = await program.run("knowledge", "jobs", again, "--wait")
    assert "0 indexed, 2 unchanged, 1 removed, 1 failed" in done.out


async def test_a_job_that_waits_is_stopped_and_one_that_never_was_is_said_not_to_be_there(program: Program, handbook: Path) -> None:
    handed = (await program.run("ingest", "--background", str(handbook / "tea.md"))).went_well()
    job_id = handed.out.split("\t")[0]
    assert "cancelled" in (await program.run("knowledge", "jobs", job_id, "--cancel")).went_well().out
    (await program.run("knowledge", "jobs", job_id, "--cancel")).refused("ended")
    (await program.run("knowledge", "jobs", "job_000")).refused("no such job")
    (await program.run("knowledge", "jobs", "--wait")).refused("Name the job", code=2)


async def test_an_address_is_scheduled_listed_and_taken_off_again(program: Program) -> None:
    put = (await program.run("knowledge", "schedules", "--add", "http://127.0.0.1:9/sitemap.xml", "--every", "6")).went_well()
    schedule_id, every, tier, _, url = put.out.strip().split("\t")
    assert (every, tier, url) == ("6 h", "public", "http://127.0.0.1:9/sitemap.xml")
    assert (await program.run("knowledge", "schedules")).went_well().out.split("\t")[0] == schedule_id
    (await program.run("knowledge", "schedules", "--remove", schedule_id)).went_well()
    assert (await program.run("knowledge", "schedules")).went_well().out == ""
    (await program.run("knowledge", "schedules", "--remove", schedule_id)).refused("no such schedule")
