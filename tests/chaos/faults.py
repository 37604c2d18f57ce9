"""What is done to the servers while customers talk to them."""

import asyncio
import itertools

from chaos.harness import Desk
from chaos.instances import Instance
from deskhand.failpoints import Failpoint

_REACHED_SECONDS = 45.0


async def kill_now_and_then(desk: Desk, *, times: int) -> None:
    """Kill a random instance, start it again, and give it 0.5 to 2 s: more kills than restarts would prove nothing."""
    for _ in range(times):
        await asyncio.sleep(desk.chance.uniform(0.5, 2.0))
        await desk.chance.choice(desk.instances).restart()
        desk.fault_ended()
        desk.crowd.check()


async def freeze_now_and_then(desk: Desk, *, times: int) -> None:
    """Freeze instances for twice the lease, `times` in all, each in a rhythm of its own."""
    left = itertools.count(1)

    async def freeze(instance: Instance) -> None:
        while next(left) <= times:
            await asyncio.sleep(desk.chance.uniform(0.8, 1.6))
            await instance.freeze(2 * desk.lease_seconds)
            desk.fault_ended()

    await asyncio.gather(*(freeze(instance) for instance in desk.instances))
    desk.crowd.check()


async def kill_at_each_failpoint(desk: Desk, *, runs: int) -> list[Failpoint]:
    """Let the instances die at each failpoint `runs` times, each time at a random pass; returns where they did."""
    places = [place for place in Failpoint for _ in range(runs)]
    desk.chance.shuffle(places)
    waiting = iter(places)
    died: list[Failpoint] = []

    async def die(instance: Instance) -> None:
        for place in waiting:
            await instance.kill()
            await instance.start(failpoints=f"{place}:{desk.chance.randint(1, 6)}")
            await instance.wait_until_ended(seconds=_REACHED_SECONDS)
            died.append(place)
        await instance.restart()
        desk.fault_ended()

    await asyncio.gather(*(die(instance) for instance in desk.instances))
    desk.crowd.check()
    return died
