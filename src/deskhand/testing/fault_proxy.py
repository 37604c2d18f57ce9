"""A TCP proxy that does to a connection what networks and servers do: refuse, go silent, be slow, reset, garble.

    async with FaultProxy("127.0.0.1", 6379) as proxy:
        await proxy.set_fault(Fault(blackhole=True))      # from here on, for the connections that are open as well

The invariant: bytes are passed on in their order, or not at all; what was held back by a blackhole still comes when it ends, late.
"""

import asyncio
import contextlib
import random
from dataclasses import dataclass
from typing import Final, Self

_PIECE_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the network; by default nothing. Chances are of each piece that passes, in either direction.

    `refuse`: connections are refused, and those that are open end. `blackhole`: connections are taken and nothing passes.
    """

    refuse: bool = False
    blackhole: bool = False
    latency_seconds: float = 0.0
    reset_chance: float = 0.0
    garble_chance: float = 0.0
    bytes_per_second: float | None = None


class FaultProxy:
    def __init__(self, host: str, port: int, *, seed: int = 0) -> None:
        self.port = 0
        self._target = (host, port)
        self._chance = random.Random(seed)  # noqa: S311 - chance, not a secret
        self._fault = Fault()
        self._passing = asyncio.Event()
        self._passing.set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._refuse()
        # Not the tasks themselves: asyncio complains of a connection's task that was cancelled.
        for pump in list(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def fault(self) -> Fault:
        return self._fault

    async def set_fault(self, fault: Fault) -> None:
        """From here on, this is wrong, and nothing else."""
        self._fault = fault
        if fault.blackhole:
            self._passing.clear()
        else:
            self._passing.set()
        if fault.refuse:
            await self._refuse()
        elif self._server is None:
            await self._listen()

    def lead_to(self, host: str, port: int) -> None:
        """New connections lead to another server; those that are open stay where they are."""
        self._target = (host, port)

    async def _listen(self) -> None:
        # On the port it had before, which its users know.
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        target: asyncio.StreamWriter | None = None
        try:
            from_target, target = await asyncio.open_connection(*self._target)
            self._writers.add(target)
            pumps = [asyncio.create_task(self._pump(reader, target)), asyncio.create_task(self._pump(from_target, writer))]
            self._pumps.update(pumps)
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
                self._pumps.difference_update(pumps)
        except OSError:
            pass  # The target is away: the client's connection ends, as it would without a proxy.
        finally:
            for each in (writer, target):
                if each is not None:
                    self._writers.discard(each)
                    each.transport.abort()
                    with contextlib.suppress(OSError):
                        await each.wait_closed()
            self._tasks.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(_PIECE_BYTES):
            fault = self._fault
            if fault.latency_seconds:
                await asyncio.sleep(fault.latency_seconds)
            await self._passing.wait()
            if self._chance.random() < fault.reset_chance:
                writer.transport.abort()
                return
            if self._chance.random() < fault.garble_chance:
                piece = self._garbled(piece)
            writer.write(piece)
            await writer.drain()
            if fault.bytes_per_second is not None:
                await asyncio.sleep(len(piece) / fault.bytes_per_second)

    def _garbled(self, piece: bytes) -> bytes:
        damaged = bytearray(piece)
        for _ in range(self._chance.randrange(1, 4)):
            damaged[self._chance.randrange(len(damaged))] = self._chance.randrange(256)
        return bytes(damaged)
