"""How much more one, two and four instances do together, on one PostgreSQL and one Valkey.

Model answers come at once, so that nothing but work takes time. Each instance is held to a part of a core, where the system lets us (Linux,
as root, by a control group), so that four of them, the engines, the model and the customers fit into a small machine, and the clock
measures Deskhand. Elsewhere each has a core, and what grows is judged by CPU: `n` instances do `n` times as much but for what a turn costs
more with each that is added. What a turn costs the engines, which do not grow with the instances, is given beside it.
"""

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

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
# Of a core, for each instance.
SHARE: Final = 0.15
_PERIOD_MICROSECONDS: Final = 20_000


def run() -> bool:
    """Measure; returns whether the aims hold. Every transcript is compared with what was said, or the load ends with `Broken`."""
    found = {count: _measure(count) for count in COUNTS}
    is_held = _root_of_groups() is not None
    alone, last = found[1], found[COUNTS[-1]]
    by_cpu = {count: count * alone["cpu_ms"] / figures["cpu_ms"] for count, figures in found.items()}
    by_clock = {count: figures["turns_per_second"] / alone["turns_per_second"] for count, figures in found.items()}
    names = ("turns_per_second", "cpu_ms", "postgresql_cpu_ms", "redis_cpu_ms")
    rows = [(count, *(figures[name] for name in names), by_clock[count], by_cpu[count]) for count, figures in found.items()]
    heads = ("instances", "turns/s", "CPU ms a turn", "PostgreSQL CPU ms", "Valkey CPU ms", "growth", "by CPU")
    each = f"held to {SHARE:.0%} of a core" if is_held else "pinned to a core"
    cores = psutil.cpu_count() or 1
    show(f"growth: {CONVERSATIONS_EACH} conversations of {TURNS} turns an instance, each {each}, {cores} cores for everything", heads, rows)
    held = all((by_clock if is_held else by_cpu)[count] >= least for count, least in LEAST_GROWTH.items())
    borne = {name: last["cpu_ms"] / last[f"{name}_cpu_ms"] for name in ("postgresql", "redis")}
    print(f"  a core bears {borne['postgresql']:.1f} full instances as PostgreSQL's, {borne['redis']:.0f} as Valkey's")
    print(f"  aims (at least 1.8 times with two, 3.2 with four) hold: {verdict(held)}; every transcript is whole, in its order")
    growth = {count: {"by_clock": round(by_clock[count], 2), "by_cpu": round(by_cpu[count], 2)} for count in COUNTS}
    keep("growth", {"share_of_a_core": SHARE if is_held else 1, "by_instances": found, "growth": growth, "held": held})
    return held


def _measure(count: int) -> dict[str, float]:
    with ExitStack() as stack:
        shared = stack.enter_context(engines())
        model = stack.enter_context(model_server(tokens=50))
        servers = [stack.enter_context(deskhand_server(_settings(model, shared))) for _ in range(count)]
        for number, server in enumerate(servers):
            wait_until_warm(server)
            stack.enter_context(_limited(server, number))
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


@contextmanager
def _limited(server: Server, number: int) -> Iterator[None]:
    """Hold it to its share of a core; where that cannot be, pin it to a core, or leave it alone where that cannot be either."""
    root = _root_of_groups()
    if root is None:
        if psutil.LINUX:
            psutil.Process(server.pid).cpu_affinity([number % (psutil.cpu_count() or 1)])
        yield
        return
    group = root / f"deskhand-bench-{server.pid}"
    group.mkdir()
    try:
        (group / "cpu.cfs_period_us").write_text(str(_PERIOD_MICROSECONDS), encoding="ascii")
        (group / "cpu.cfs_quota_us").write_text(str(int(_PERIOD_MICROSECONDS * SHARE)), encoding="ascii")
        (group / "cgroup.procs").write_text(str(server.pid), encoding="ascii")
        yield
    finally:
        # A group is removed when it is empty.
        with contextlib.suppress(ProcessLookupError):
            (root / "cgroup.procs").write_text(str(server.pid), encoding="ascii")
        group.rmdir()


def _root_of_groups() -> Path | None:
    """Where this process's own group for CPU is (version 1 of control groups), if we may make others beside it."""
    root = Path("/sys/fs/cgroup/cpu")
    return root if (root / "cpu.cfs_quota_us").is_file() and os.access(root, os.W_OK) else None


def _talk(crowds: list[Customers], *, until: int) -> list[Result]:
    with ThreadPoolExecutor(len(crowds)) as pool:
        return list(pool.map(lambda crowd: crowd.talk(until), crowds))


def _settings(model: Server, shared: Engines) -> dict[str, str]:
    places = {"DESKHAND_DATABASE_URL": shared.database_url, "DESKHAND_REDIS_URL": shared.redis.url}
    return {**settings_of_model(model), **LOADED, **NO_TOOLS, **NO_SAMPLES, **places}
