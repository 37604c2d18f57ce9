"""Many who come at once, as after a restart."""

import asyncio
import socket
from contextlib import ExitStack
from pathlib import Path

import uvloop

from api.serving import serving, settings_in

COMERS = 160


def test_those_who_wait_at_the_door_come_in_several_at_a_time_and_after_the_end_nobody_does(tmp_path: Path) -> None:
    async def come() -> tuple[int, int]:
        async with serving(settings_in(tmp_path)) as served:
            rounds, inside = 0, len(served.server.server_state.connections)
            with ExitStack() as comers:
                for _ in range(COMERS):
                    # The loop does nothing meanwhile: the system lets them queue.
                    comers.enter_context(socket.create_connection(("127.0.0.1", served.port)))
                while len(served.server.server_state.connections) < inside + COMERS:
                    await asyncio.sleep(0)
                    rounds += 1
        with socket.socket() as late:
            return rounds, late.connect_ex(("127.0.0.1", served.port))

    # The loop that a server has.
    rounds, refusal = uvloop.run(come())
    assert rounds < COMERS / 4
    assert refusal != 0
