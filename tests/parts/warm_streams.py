"""A warm process whose streams a test writes and reads: what the tests need of `asyncio.subprocess.Process`."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from parts.warm import WarmProcess


class WarmChild:
    def __init__(
        self, process: WarmProcess, stdin: asyncio.StreamWriter, stdout: asyncio.StreamReader, stderr: asyncio.StreamReader
    ) -> None:
        self._process = process
        self.pid = process.pid
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr

    @classmethod
    async def start(cls, arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> Self:
        """Start `deskhand` with `arguments`."""
        (their_in, our_in), (our_out, their_out), (our_err, their_err) = os.pipe(), os.pipe(), os.pipe()
        try:
            process = await asyncio.to_thread(
                WarmProcess, "deskhand", arguments, folder=folder, environment=environment, streams=(their_in, their_out, their_err)
            )
        finally:
            for handle in (their_in, their_out, their_err):
                os.close(handle)
        return cls(process, await _open_writer(our_in), await _open_reader(our_out), await _open_reader(our_err))

    @property
    def returncode(self) -> int | None:
        return self._process.poll()

    async def wait(self) -> int:
        if self._process.poll() is None:
            loop = asyncio.get_running_loop()
            told = asyncio.Event()
            handle = self._process.connection.fileno()
            loop.add_reader(handle, told.set)
            try:
                await told.wait()
            finally:
                loop.remove_reader(handle)
        return self._process.wait()

    async def communicate(self, given: bytes | None = None) -> tuple[bytes, bytes]:
        out, err, _ = await asyncio.gather(self.stdout.read(), self.stderr.read(), self._give(given))
        await self.wait()
        return out, err

    def send_signal(self, sent: signal.Signals) -> None:
        self._process.send_signal(sent)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    async def _give(self, given: bytes | None) -> None:
        try:
            if given:
                self.stdin.write(given)
                await self.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            # It ended without reading, which is its right.
            pass
        finally:
            self.stdin.close()


async def _open_reader(handle: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(handle, "rb", 0))
    return reader


async def _open_writer(handle: int) -> asyncio.StreamWriter:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), os.fdopen(handle, "wb", 0)
    )
    return asyncio.StreamWriter(transport, protocol, None, loop)
