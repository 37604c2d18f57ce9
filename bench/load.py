"""The load that all systems of this kind are compared by: 50 conversations of 10 turns, answers of 50 tokens, history checked afterwards.

Three forms: the model answers at once (what a turn costs), the model answers as in life (what is added to its time), and the model searches
the documents first (what a search adds).
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.connection import Connection
from bench.conversations import Result, customers
from bench.report import keep, show, verdict
from bench.servers import (
    LOADED,
    NO_SAMPLES,
    NO_TOOLS,
    Server,
    deskhand_server,
    floor_server,
    model_server,
    settings_of_model,
    wait_until_warm,
)

CONVERSATIONS = 50
TURNS = 10
MOST_CPU_MS = 4.0
FEWEST_PER_SECOND = 200.0
MOST_ADDED_MS = 10.0
FIRST_MS, EVERY_MS, TOKENS = 200, 10, 50
LIFELIKE_TURNS = 6
_WARM_TURNS = 2
_SEARCHES = 200
_HEADS = ("server", "CPU ms/turn", "turns/s", "p50 ms", "p99 ms", "first text ms", "RSS MiB")


def run() -> bool:
    """Measure all three; returns whether the aims hold."""
    return all([run_burst(), run_lifelike(), run_search()])


def run_burst() -> bool:
    with model_server(tokens=TOKENS) as model:
        with floor_server(model) as server:
            floor = measure(server, turns=TURNS)
        with deskhand(model) as server:
            ours = measure(server, turns=TURNS)
    ratio = ours.cpu_ms / floor.cpu_ms
    held = ours.cpu_ms <= MOST_CPU_MS and ours.per_second >= FEWEST_PER_SECOND
    show(
        f"load: {CONVERSATIONS} conversations of {TURNS} turns, {TOKENS} tokens at once",
        _HEADS,
        [_row("floor", floor), _row("deskhand", ours)],
    )
    print(f"  ratio to the floor: {ratio:.2f} in CPU; aims (<= {MOST_CPU_MS} ms, >= {FEWEST_PER_SECOND:.0f} turns/s) hold: {verdict(held)}")
    keep("load", {"floor": floor.figures(), "deskhand": ours.figures(), "cpu_ratio": round(ratio, 2), "held": held})
    return held


def run_lifelike() -> bool:
    """Customers do not all press Enter in the same millisecond: the conversations begin spread over the time of one answer."""
    ideal = FIRST_MS + EVERY_MS * (TOKENS - 1)
    with model_server(tokens=TOKENS, first_ms=FIRST_MS, every_ms=EVERY_MS) as model:
        with floor_server(model) as server:
            floor = measure(server, turns=LIFELIKE_TURNS, spread_ms=ideal)
        with deskhand(model) as server:
            ours = measure(server, turns=LIFELIKE_TURNS, spread_ms=ideal)
    added = ours.latency(0.5) - floor.latency(0.5)
    held = added <= MOST_ADDED_MS
    show(
        f"load, life-like model (first token after {FIRST_MS} ms, then every {EVERY_MS} ms)",
        _HEADS,
        [_row("floor", floor), _row("deskhand", ours)],
    )
    print(f"  the model alone takes {ideal} ms; the floor adds {floor.latency(0.5) - ideal:.1f} ms, Deskhand {added:.1f} ms more")
    print(f"  aim (<= {MOST_ADDED_MS:.0f} ms more) holds: {verdict(held)}")
    keep(
        "load_lifelike",
        {"ideal_ms": ideal, "floor": floor.figures(), "deskhand": ours.figures(), "added_ms": round(added, 2), "held": held},
    )
    return held


def run_search() -> bool:
    """The model asks for one search a turn: two requests to the model and a search over the samples."""
    settings = {**LOADED, "DESKHAND_AGENT_TOOLS": "search_knowledge"}
    with model_server(tokens=TOKENS) as model, deskhand_server({**settings_of_model(model), **settings}) as server:
        wait_until_warm(server)
        plain = measure(server, turns=4)
        searching = measure(server, turns=4, directive=" [model: tool]")
        alone = asyncio.run(_search_alone(server))
    show("load, with search on", _HEADS, [_row("deskhand, no search made", plain), _row("deskhand, a search a turn", searching)])
    print(f"  a search by itself, over HTTP: {alone:.2f} ms CPU; the rest is the second request to the model, with the passages")
    keep("load_search", {"plain": plain.figures(), "searching": searching.figures(), "search_alone_cpu_ms": round(alone, 2)})
    return True


async def _search_alone(server: Server) -> float:
    """CPU milliseconds of a search that is asked for by itself, with the words that the model asks with."""
    connection = await Connection.open(server.url)
    opened = (await connection.request("POST", "/api/sessions", body={})).json()
    before = server.cpu_seconds()
    for _ in range(_SEARCHES):
        answer = await connection.request("POST", "/api/chat/search", token=opened["token"], body={"query": "reset password"})
        assert answer.status == 200, answer.content
    connection.close()
    return (server.cpu_seconds() - before) * 1000 / _SEARCHES


@contextmanager
def deskhand(model: Server) -> Iterator[Server]:
    """Deskhand as the aims name it: everything on, knowledge search off."""
    with deskhand_server({**settings_of_model(model), **LOADED, **NO_TOOLS, **NO_SAMPLES}) as server:
        wait_until_warm(server)
        yield server


def measure(server: Server, *, turns: int, directive: str = "", spread_ms: float = 0.0) -> Result:
    """The load, after a shorter one that brings the server to its working temperature."""
    with customers(server, conversations=CONVERSATIONS, directive=directive) as warming:
        warming.talk(_WARM_TURNS)
    with customers(server, conversations=CONVERSATIONS, directive=directive, spread_ms=spread_ms) as talking:
        return talking.talk(turns)


def _row(name: str, result: Result) -> list[Any]:
    figures = result.figures()
    return [name, *(figures[key] for key in ("cpu_ms_per_turn", "turns_per_second", "p50_ms", "p99_ms", "first_text_ms", "rss_mib"))]
