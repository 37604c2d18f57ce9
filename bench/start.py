"""From nothing to the first answer: an empty folder, the embedded default, the sample documents, no network."""

import asyncio
import time
from dataclasses import dataclass

from bench.connection import Connection
from bench.report import keep, median, show, verdict
from bench.servers import NO_SAMPLES, Server, deskhand_server, wait_until_ready

ROUNDS = 3
MOST_HEALTHY_SECONDS = 1.5
MOST_ANSWER_SECONDS = 3.0
MOST_RSS_MIB = 250.0
_QUESTION = "How do I reset my password?"


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from the start of the process to a healthy answer (and its CPU until then), and from there to the first answer with a source;
    MiB after it."""

    healthy_seconds: float
    healthy_cpu_seconds: float
    answer_seconds: float
    rss_mib: float
    source: str


def run() -> bool:
    _start_once()
    starts = [_start_once() for _ in range(ROUNDS)]
    healthy = median([start.healthy_seconds for start in starts])
    cpu = median([start.healthy_cpu_seconds for start in starts])
    answer = median([start.answer_seconds for start in starts])
    rss = max(start.rss_mib for start in starts)
    warm = _start_without_samples()
    held = healthy <= MOST_HEALTHY_SECONDS and answer <= MOST_ANSWER_SECONDS and rss <= MOST_RSS_MIB
    rows = [
        ("healthy after the process began, s", healthy, MOST_HEALTHY_SECONDS),
        ("first cited answer after that, s", answer, MOST_ANSWER_SECONDS),
        ("RSS with the embedding model, MiB", rss, MOST_RSS_MIB),
    ]
    show(f"start: an empty folder, median of {ROUNDS}", ("figure", "measured", "at most"), rows)
    print(f"  CPU until healthy {cpu:.2f} s; healthy without sample documents after {warm:.2f} s")
    print(f"  first source cited: {starts[0].source}; aims hold: {verdict(held)}")
    figures = {"healthy_seconds": healthy, "healthy_cpu_seconds": cpu, "answer_seconds": answer, "rss_mib": rss}
    keep("start", {**{name: round(value, 3) for name, value in figures.items()}, "held": held})
    return held


def _start_once() -> Start:
    began = time.perf_counter()
    with deskhand_server({"DESKHAND_LOG_LEVEL": "WARNING"}) as server:
        wait_until_ready(server)
        healthy = time.perf_counter() - began
        cpu = server.cpu_seconds()
        source = asyncio.run(_ask(server))
        answered = time.perf_counter() - began - healthy
        return Start(healthy, cpu, answered, server.rss_bytes() / 2**20, source)


def _start_without_samples() -> float:
    began = time.perf_counter()
    with deskhand_server({"DESKHAND_LOG_LEVEL": "WARNING", **NO_SAMPLES}) as server:
        wait_until_ready(server)
        return time.perf_counter() - began


async def _ask(server: Server) -> str:
    """Ask the first question; returns the title of the first source.

    Raises:
        RuntimeError: the answer cites nothing.
    """
    connection = await Connection.open(server.url)
    opened = (await connection.request("POST", "/api/sessions", body={})).json()
    path = f"/api/chat/sessions/{opened['session_id']}/messages"
    answer = (await connection.request("POST", path, token=opened["token"], body={"message": _QUESTION})).json()
    connection.close()
    if not answer.get("sources"):
        raise RuntimeError(f"The first answer cites nothing: {answer!r}")
    title: str = answer["sources"][0]["metadata"]["title"]
    return title
