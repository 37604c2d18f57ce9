"""C2: the database is locked, full, restarted or stands still: nothing acknowledged is lost, who is refused is told so, and it heals."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil
import pysqlite3.dbapi2
import pytest

from chaos.customers import QUICK, Acknowledgement, Customer, Sent
from chaos.harness import DEFAULT_LEASE_SECONDS, IS_FULL, Desk, Model, desk
from chaos.instances import PLAIN
from parts.postgres import PostgresServer

pytestmark = [pytest.mark.serial, pytest.mark.timeout(300 if IS_FULL else 120)]

HEALS_SECONDS = 10.0
LOCKED_SECONDS = 8.0 if IS_FULL else 6.0
FROZEN_SECONDS = 10.0 if IS_FULL else 4.0
# While the file is locked, on a machine that does nothing else. Elsewhere one that waits is told from one that is blocked by the second.
LOCKED_LAG_SECONDS = 0.1 if IS_FULL else 1.0
MOST_LAG_SECONDS = 1.0
PATIENT = aiohttp.ClientTimeout(total=20)
ANSWERS_AT_ONCE = Model(8, 0, 10)


@dataclass(slots=True)
class Sender:
    """Customers who send all the time, each thing once more while it is refused, and what they were told."""

    ground: Desk
    statuses: Counter[int] = field(default_factory=Counter)
    refusals_without_advice: int = 0
    healed_seconds: float = 0.0
    # Those who talk wait for the ends of their turns by then: others, who rested until now, say something.
    speak_up: Callable[[], None] = lambda: None

    async def send(self, customer: Customer, content: str) -> None:
        sent = Sent(f"c{len(customer.sent)}", content)
        customer.sent.append(sent)
        body = {"message": content, "client_message_id": sent.client_message_id}
        while sent.acknowledged is None:
            base = self.ground.chance.choice(customer.bases)
            customer.attempts += 1
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                sent.acknowledged = await self._post(customer, base, body)
        assert sent.acknowledged.turn_id is not None
        await customer.wait_for_end(sent.acknowledged.turn_id)

    async def _post(self, customer: Customer, base: str, body: dict[str, str]) -> Acknowledgement | None:
        headers = customer._headers | {"Prefer": "respond-async"}
        async with self.ground.crowd.http.post(base + customer._messages, json=body, headers=headers, timeout=PATIENT) as response:
            self.statuses[response.status] += 1
            if response.status in {200, 202}:
                taken = await response.json()
                return Acknowledgement(taken["message_id"], taken["turn_id"])
            self.refusals_without_advice += "Retry-After" not in response.headers
        await asyncio.sleep(0.05)
        return None

    async def wait_until_healed(self, *, messages: int = 1) -> None:
        """Wait until as many messages more are acknowledged, from the end of the fault on, which is now."""
        self.ground.fault_ended()
        here = self.statuses[202]
        await self.wait_until(lambda: self.statuses[202] >= here + messages, seconds=HEALS_SECONDS)
        self.healed_seconds = time.monotonic() - self.ground.last_fault_at

    async def wait_until(self, is_so: Callable[[], bool], *, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while not is_so():  # noqa: ASYNC110 - the customers tell nobody
                await asyncio.sleep(0.02)


@asynccontextmanager
async def sending(ground: Desk, *, customers: int = 6, padding: int = 0) -> AsyncIterator[Sender]:
    sender = Sender(ground)

    async def talk(number: int) -> None:
        customer = await ground.crowd.join()
        for count in range(100_000):
            if ended.is_set():
                return
            await sender.send(customer, f"{number}-{count}-{'x' * padding}")

    ended = asyncio.Event()
    resting = [await ground.crowd.join() for _ in range(customers)]
    talking = [asyncio.create_task(talk(number)) for number in range(customers)]

    async def speak_up() -> None:
        await asyncio.gather(*(sender.send(customer, f"rested-{'x' * padding}") for customer in resting))

    try:
        await sender.wait_until(lambda: sender.statuses[202] >= customers, seconds=20)
        sender.speak_up = lambda: talking.append(asyncio.create_task(speak_up()))
        yield sender
        ended.set()
        await asyncio.gather(*talking)
    finally:
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)


async def lag_during(ground: Desk, work: Callable[[], Awaitable[None]]) -> float:
    """Do `work`; returns the 99th percentile of the seconds in which the first server answered meanwhile that it lives."""
    waits: list[float] = []

    async def watch() -> None:
        while True:
            began = time.monotonic()
            async with ground.crowd.http.get(f"{ground.instances[0].base}/health/live", timeout=QUICK) as response:
                assert response.status == 200
            waits.append(time.monotonic() - began)
            await asyncio.sleep(0.01)

    watching = asyncio.create_task(watch())
    await work()
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    return sorted(waits)[int(0.99 * (len(waits) - 1))]


async def end(ground: Desk, sender: Sender, fault: str, lag: float, *, refusal: int, most_lag: float = MOST_LAG_SECONDS) -> None:
    """Judge what came of it, once it healed."""
    print(f"{fault}: {dict(sender.statuses)}, alive within {lag * 1000:.0f} ms (p99), healed after {sender.healed_seconds:.1f} s")
    (await ground.judge()).assert_nothing_wrong()
    assert sender.statuses.keys() <= {200, 202, refusal}
    assert sender.refusals_without_advice == 0
    assert lag <= most_lag


async def test_while_another_program_locks_the_database_customers_are_told_to_come_back_and_the_server_lives(tmp_path: Path) -> None:
    async with desk(tmp_path, database_url=None, model=ANSWERS_AT_ONCE, command=PLAIN, lease_seconds=DEFAULT_LEASE_SECONDS) as ground:
        async with sending(ground) as sender:
            path = tmp_path / "deskhand.db"
            with contextlib.closing(pysqlite3.dbapi2.connect(path, isolation_level=None, timeout=10)) as other:
                other.execute("BEGIN IMMEDIATE")
                before = sender.statuses[202]
                sender.speak_up()
                lag = await lag_during(ground, lambda: asyncio.sleep(LOCKED_SECONDS))
                assert sender.statuses[202] - before <= 6, "acknowledged while nothing can be stored"
                other.execute("ROLLBACK")
            await sender.wait_until_healed()
        assert sender.statuses[503] > 0
        await end(ground, sender, "locked", lag, refusal=503, most_lag=LOCKED_LAG_SECONDS)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 8 MiB."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(path: Path) -> None:
    """Take what is left of the disk."""
    piece = b"x" * 4_096
    with path.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(piece)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
async def test_while_the_disk_is_full_nothing_is_acknowledged_everything_can_be_read_and_it_heals(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        url = f"sqlite:///{disk / 'deskhand.db'}"
        settings = {"database_url": url, "command": PLAIN, "lease_seconds": DEFAULT_LEASE_SECONDS}
        async with desk(tmp_path, model=ANSWERS_AT_ONCE, **settings) as ground:
            async with sending(ground, padding=1_500) as sender:
                fill(disk / "ballast")
                sender.speak_up()
                lag = await lag_during(ground, lambda: sender.wait_until(lambda: sender.statuses[507] >= 20, seconds=30))
                customer = ground.crowd.everybody[-1]
                transcript = f"{ground.instances[0].base}{customer._messages}"
                async with ground.crowd.http.get(transcript, headers=customer._headers, timeout=QUICK) as response:
                    assert response.status == 200
                    assert (await response.json())["total"] > 0
                (disk / "ballast").unlink()
                await sender.wait_until_healed()
            await end(ground, sender, "full", lag, refusal=507)


def stop_all(server: PostgresServer, sent: signal.Signals) -> None:
    postmaster = psutil.Process(server.pid)
    for process in (postmaster, *postmaster.children()):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(sent)


@pytest.mark.parametrize("fault", ["restarted at once", *(["frozen"] if IS_FULL else [])])
async def test_postgresql_is_restarted_or_frozen_and_nothing_acknowledged_is_lost(
    tmp_path: Path, own_postgres_server: PostgresServer, fault: str
) -> None:
    async def restart() -> None:
        await asyncio.to_thread(own_postgres_server.restart, with_signal=signal.SIGQUIT)

    async def freeze() -> None:
        stop_all(own_postgres_server, signal.SIGSTOP)
        await asyncio.sleep(FROZEN_SECONDS)
        stop_all(own_postgres_server, signal.SIGCONT)

    url = own_postgres_server.create_database()
    async with desk(tmp_path, database_url=url, model=ANSWERS_AT_ONCE, command=PLAIN, lease_seconds=DEFAULT_LEASE_SECONDS) as ground:
        async with sending(ground, customers=20) as sender:
            sender.speak_up()
            lag = await lag_during(ground, freeze if fault == "frozen" else restart)
            await sender.wait_until_healed(messages=20)
        await end(ground, sender, fault, lag, refusal=503)
