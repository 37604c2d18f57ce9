"""The program `deskhand` as a person runs it: in a folder, with an environment, its output, its code."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from parts.warm import IS_WARM
from parts.warm_streams import WarmChild

SECONDS = 90
COMMAND = (sys.executable, "-m", "deskhand")


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    def refused(self, *words: str, code: int = 1) -> None:
        """It ended with `code`, said all of `words` on standard error, and showed no traceback."""
        assert self.code == code, f"{self.code}\n{self.out}\n{self.err}"
        assert "Traceback" not in self.err, self.err
        for word in words:
            assert word in self.err, self.err

    def went_well(self) -> "Done":
        assert self.code == 0, f"{self.code}\n{self.out}\n{self.err}"
        assert "Traceback" not in self.err, self.err
        return self


class Program:
    """`settings` are those of every run, without the prefix and in small letters, as in `Program(folder, api_port="9000")`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.settings = settings

    def environment(self, **settings: str) -> dict[str, str]:
        """Nothing of this machine's but where programs are."""
        chosen = {f"DESKHAND_{name.upper()}": value for name, value in (self.settings | settings).items()}
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8", "COLUMNS": "120", **chosen}

    async def run(self, *arguments: str, stdin: bytes = b"", extra_environment: Mapping[str, str] | None = None, **settings: str) -> Done:
        process = await self.start(*arguments, extra_environment=extra_environment, **settings)
        async with asyncio.timeout(SECONDS):
            out, err = await process.communicate(stdin)
        assert process.returncode is not None
        return Done(process.returncode, out.decode(), err.decode())

    async def start(
        self, *arguments: str, extra_environment: Mapping[str, str] | None = None, **settings: str
    ) -> asyncio.subprocess.Process | WarmChild:
        """Start it; with `extra_environment`, which may say what is imported, from nothing."""
        if IS_WARM and extra_environment is None:
            return await WarmChild.start(arguments, folder=self.folder, environment=self.environment(**settings))
        return await asyncio.create_subprocess_exec(
            *COMMAND,
            *arguments,
            cwd=self.folder,
            env=self.environment(**settings) | dict(extra_environment or {}),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
