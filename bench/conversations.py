"""Driving the customers of `bench.talk` against a server, and what it cost the server."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from bench.report import median, percentile
from bench.servers import REPOSITORY, Server
from bench.talk import Report, Turn


class Broken(AssertionError):
    """The load went through, but not every answer or message is there: its figures say nothing."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a stretch of the load cost. CPU in milliseconds a turn, of the whole server process; latencies in milliseconds."""

    turns: list[Turn]
    seconds: float
    cpu_ms: float
    rss_mib: float

    @property
    def per_second(self) -> float:
        return len(self.turns) / self.seconds

    def latency(self, share: float) -> float:
        return percentile([(turn.ended - turn.sent) * 1000 for turn in self.turns], share)

    @property
    def first_text_ms(self) -> float:
        return median([(turn.text - turn.sent) * 1000 for turn in self.turns if turn.text is not None])

    def figures(self) -> dict[str, Any]:
        return {
            "turns": len(self.turns),
            "cpu_ms_per_turn": round(self.cpu_ms, 3),
            "turns_per_second": round(self.per_second, 1),
            "p50_ms": round(self.latency(0.5), 2),
            "p99_ms": round(self.latency(0.99), 2),
            "first_text_ms": round(self.first_text_ms, 2),
            "rss_mib": round(self.rss_mib, 1),
        }


class Customers:
    """A running `bench.talk`."""

    def __init__(self, process: "subprocess.Popen[str]", server: Server) -> None:
        self._process = process
        self._server = server

    def talk(self, until: int) -> Result:
        """Go on to turn `until` in every conversation.

        Raises:
            Broken: an answer or a message is missing, out of order or not whole.
        """
        self._expect("ready")
        before = self._server.cpu_seconds()
        assert self._process.stdin is not None
        self._process.stdin.write(f"{until}\n")
        self._process.stdin.flush()
        self._expect("done")
        cpu = self._server.cpu_seconds() - before
        rss = self._server.rss_bytes()
        report = msgspec.json.decode(self._read(), type=Report)
        if report.problems:
            raise Broken("\n".join(report.problems[:10]))
        return Result(report.turns, report.seconds, cpu * 1000 / len(report.turns), rss / 2**20)

    def leave(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.read()

    def _expect(self, word: str) -> None:
        line = self._read()
        if line.strip() != word:
            raise Broken(f"the customers said {line!r} instead of {word!r}")

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Broken("the customers ended early; see above")
        return line


@contextmanager
def customers(server: Server, *, conversations: int, directive: str = "", spread_ms: float = 0.0) -> Iterator[Customers]:
    """`directive` is added to each question, for the model server; `spread_ms` is the time over which the conversations begin."""
    command = [sys.executable, "-m", "bench.talk", "--url", server.url, "--conversations", str(conversations)]
    command += ["--directive", directive, "--spread-ms", str(spread_ms)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        talking = Customers(process, server)
        try:
            yield talking
        finally:
            talking.leave()
