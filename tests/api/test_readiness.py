"""Whether a server can work, asked while a part that it cannot do without says nothing at all."""

import asyncio
from pathlib import Path

import sqlalchemy as sa

from api.serving import serving, settings_in
from deskhand.testing.fault_proxy import Fault, FaultProxy
from parts.postgres import PostgresServer

# A second is what is promised; a machine that does much else takes longer, and what waited for the database took four.
ANSWERED_SECONDS = 3.0
HEALED_SECONDS = 20.0


async def test_a_database_that_stands_still_is_told_at_once_however_often_it_is_asked(
    tmp_path: Path, postgres_server: PostgresServer, postgres_url: str
) -> None:
    async with FaultProxy("127.0.0.1", postgres_server.port) as proxy:
        url = sa.make_url(postgres_url).set(port=proxy.port).render_as_string(hide_password=False)
        # So few connections that ten questions at once would take them all.
        async with serving(settings_in(tmp_path, database_url=url, database_pool_size=5)) as served:
            assert (await served.http.get("/health/ready")).status_code == 200
            await proxy.set_fault(Fault(blackhole=True))
            async with asyncio.timeout(ANSWERED_SECONDS):
                answers = await asyncio.gather(*(served.http.get("/health/ready") for _ in range(10)))
            assert {answer.status_code for answer in answers} == {503}
            assert {answer.json()["services"]["database"] for answer in answers} == {"no answer"}
            await proxy.set_fault(Fault())
            async with asyncio.timeout(HEALED_SECONDS):
                while (await served.http.get("/health/ready")).status_code != 200:
                    pass
