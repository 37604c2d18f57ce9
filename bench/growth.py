"""How much more one, two and four instances do together, on one PostgreSQL and one Valkey.

Model answers come at once, so that nothing but work takes time, and each instance has a core. Where the machine has fewer cores than the
instances, the engines and the customers need together, the clock measures the machine: so the growth that is judged is of work. An
instance is full when its core is; that `n` of them do `n` times as much is lost to them only by what a turn costs more with each that is
added. What a turn costs the engines, which do not grow with them, is given beside it, with the instances that one of their cores bears.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Final

import psutil

from bench.conversations import Customers, Result, customers
from bench.instances import Engines, engines
from bench.report import keep, show, verdict
from bench.servers import LOADED, NO_SAMPLES, NO_TOOLS, Server, deskhand_server, model_server, settings_of_model, wait_until_warm

COUNTS: Final = (1, 2, 4)
CONVERSATIONS_EACH: Final = 16
TURNS: Final = 15
LEAST_GROWTH: Final = {2: 1.8, 4: 3.2}
_WARM_TURNS: Final = 3


def run() -> bool:
    """Measure; returns whether the aims hold. Every transcript is compared with what was said, or the load ends with `Broken`."""
    found = {count: _measure(count) for count in COUNTS}
    alone = found[1]
    rows: list[tuple[Any, ...]] = []
    growth = {count: count * alone["cpu_ms"] / figures["cpu_ms"] for count, figures in found.items()}
    for count, figures in found.items():
        rows.append(
            (count, *(figures[name] for name in ("turns_per_second", "cpu_ms", "postgresql_cpu_ms", "redis_cpu_ms")), growth[count])
        )
    heads = ("instances", "turns/s here", "CPU ms a turn", "PostgreSQL CPU ms", "Valkey CPU ms", "growth by CPU")
    cores = psutil.cpu_count() or 1
    show(
        f"growth: {CONVERSATIONS_EACH} conversations of {TURNS} turns an instance, model answers at once, {cores} cores for everything",
        heads,
        rows,
    )
    held = all(growth[count] >= least for count, least in LEAST_GROWTH.items())
    last = found[COUNTS[-1]]
    borne = {name: last["cpu_ms"] / last[f"{name}_cpu_ms"] for name in ("postgresql", "redis")}
    print(f"  a core bears {borne['postgresql']:.1f} full instances as PostgreSQL's, {borne['redis']:.0f} as Valkey's")
    print(f"  aims (at least 1.8 times with two, 3.2 with four, a core each) hold: {verdict(held)}; every transcript is whole")
    keep("growth", {"by_instances": found, "growth": {count: round(times, 2) for count, times in growth.items()}, "held": held})
    return held


def _measure(count: int) -> dict[str, float]:
    with ExitStack() as stack:
        shared = stack.enter_context(engines())
        model = stack.enter_context(model_server(tokens=50))
        servers = [stack.enter_context(deskhand_server(_settings(model, shared))) for _ in range(count)]
        for number, server in enumerate(servers):
            _pin(server, number)
            wait_until_warm(server)
        crowds = [stack.enter_context(customers(server, conversations=CONVERSATIONS_EACH)) for server in servers]
        _talk(crowds, until=_WARM_TURNS)
        before = shared.counters()
        results = _talk(crowds, until=TURNS)
        after = shared.counters()
        turns = sum(len(result.turns) for result in results)
        return {
            "turns_per_second": round(turns / max(result.seconds for result in results), 1),
            "cpu_ms": round(sum(result.cpu_ms * len(result.turns) for result in results) / turns, 3),
            "postgresql_cpu_ms": round((after["postgresql_cpu"] - before["postgresql_cpu"]) * 1000 / turns, 3),
            "redis_cpu_ms": round((after["redis_cpu"] - before["redis_cpu"]) * 1000 / turns, 3),
        }


def _pin(server: Server, number: int) -> None:
    """Give it one core, as in a container of one; nothing where the system cannot."""
    process = psutil.Process(server.pid)
    if psutil.LINUX:
        process.cpu_affinity([number % (psutil.cpu_count() or 1)])


def _talk(crowds: list[Customers], *, until: int) -> list[Result]:
    with ThreadPoolExecutor(len(crowds)) as pool:
        return list(pool.map(lambda crowd: crowd.talk(until), crowds))


def _settings(model: Server, shared: Engines) -> dict[str, str]:
    places = {"DESKHAND_DATABASE_URL": shared.database_url, "DESKHAND_REDIS_URL": shared.redis.url}
    return {**settings_of_model(model), **LOADED, **NO_TOOLS, **NO_SAMPLES, **places}
