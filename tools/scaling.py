"""Write the tables of docs/scaling.md: what so many sessions a day need, simulated from what a turn and a connection were measured to cost.

With --check, only say whether they are current. With --sessions N, print one column for N sessions a day; with --figures FILE, count with
what `python -m bench instances` measured on a machine of yours.
"""

import argparse
import json
import math
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

DOCUMENT = Path(__file__).parents[1] / "docs" / "scaling.md"
SIZES = (1_000, 100_000, 10_000_000)
_BEGIN, _END = "<!-- written by tools/scaling.py -->\n", "<!-- until here -->\n"
_DAY, _HOUR = 86_400, 3_600


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one turn, of one connection, of one session. CPU in milliseconds, sizes in KiB."""

    cpu_ms: float
    database_cpu_ms: float
    commits: float
    wal_kib: float
    database_kib: float
    redis_cpu_ms: float
    redis_commands: float
    redis_kib_a_session: float
    connection_kib: float
    instance_mib: float


# `python -m bench instances` (two instances) and `python -m bench idle`. docs/scaling.md says on what.
MEASURED = Costs(
    cpu_ms=41.1,
    database_cpu_ms=8.4,
    commits=4.2,
    wal_kib=9.2,
    database_kib=6.2,
    redis_cpu_ms=0.8,
    redis_commands=14.6,
    redis_kib_a_session=6.3,
    connection_kib=29.0,
    instance_mib=250.0,
)


@dataclass(frozen=True, slots=True)
class Customs:
    """What customers do, and how full things may be."""

    turns: int = 5
    think_seconds: float = 45.0
    # From the last answer until the page is closed.
    linger_seconds: float = 300.0
    answer_seconds: float = 3.0
    # Of a day's sessions, those that begin in its busiest hour; an even day would have 0.042.
    busiest_hour: float = 0.12
    cpu_share: float = 0.65
    database_share: float = 0.5
    connections_an_instance: int = 10_000
    pool: int = 10
    ttl_seconds: int = _DAY


@dataclass(frozen=True, slots=True)
class Peak:
    """The busiest hour: in its 99th percentile second."""

    turns_a_second: float
    connections: float
    answers_at_once: float


@dataclass(frozen=True, slots=True)
class Need:
    peak: Peak
    instances: int
    memory_gib: float
    database_connections: int
    database_cores: float
    commits_a_second: float
    wal_mib_a_second: float
    database_gib_a_day: float
    redis_gib: float
    redis_commands_a_second: float
    redis_cores: float


def simulate(sessions_a_day: int, customs: Customs, *, seed: int = 1) -> Peak:
    """Let the customers of the busiest hour come at random moments, think as long as people do, and count second by second."""
    chance = np.random.default_rng(seed)
    length = customs.turns * (customs.think_seconds + customs.answer_seconds) + customs.linger_seconds
    # Those who came before and are still there when the hour begins.
    span = _HOUR + 3 * length
    count = chance.poisson(sessions_a_day * customs.busiest_hour * span / _HOUR)
    arrived = chance.uniform(-3 * length, _HOUR, count)
    turns, running = np.zeros(_HOUR), np.zeros(_HOUR + 1)
    now = arrived.copy()
    for _ in range(customs.turns):
        now += chance.exponential(customs.think_seconds, count)
        turns += np.bincount(now[(now >= 0) & (now < _HOUR)].astype(np.int64), minlength=_HOUR)[:_HOUR]
        answered = now + chance.exponential(customs.answer_seconds, count)
        _add(running, now, answered)
        now = answered
    connections = np.zeros(_HOUR + 1)
    _add(connections, arrived, now + chance.exponential(customs.linger_seconds, count))
    at = [float(np.percentile(each, 99)) for each in (turns, np.cumsum(connections[:-1]), np.cumsum(running[:-1]))]
    return Peak(*at)


def _add(changes: np.ndarray[tuple[int], np.dtype[np.float64]], begins: object, ends: object) -> None:
    """Count what lasts from `begins` to `ends` into the changes from one second to the next."""
    for moments, step in ((begins, 1.0), (ends, -1.0)):
        seconds = np.clip(np.asarray(moments), 0, _HOUR).astype(np.int64)
        changes += step * np.bincount(seconds, minlength=_HOUR + 1)


def needed(sessions_a_day: int, *, costs: Costs = MEASURED, customs: Customs | None = None) -> Need:
    """What the busiest second of the busiest hour needs, with one instance to spare."""
    customs = customs or Customs()
    peak = simulate(sessions_a_day, customs)
    by_cpu = peak.turns_a_second * costs.cpu_ms / 1000 / customs.cpu_share
    by_connections = peak.connections / customs.connections_an_instance
    instances = max(2, math.ceil(max(by_cpu, by_connections)) + 1)
    day = sessions_a_day * customs.turns
    held = costs.instance_mib * instances + peak.connections * costs.connection_kib / 1024
    return Need(
        peak=peak,
        instances=instances,
        memory_gib=held / 1024,
        database_connections=instances * customs.pool,
        database_cores=peak.turns_a_second * costs.database_cpu_ms / 1000 / customs.database_share,
        commits_a_second=peak.turns_a_second * costs.commits,
        wal_mib_a_second=peak.turns_a_second * costs.wal_kib / 1024,
        database_gib_a_day=day * costs.database_kib / 2**20,
        redis_gib=sessions_a_day * customs.ttl_seconds / _DAY * costs.redis_kib_a_session / 2**20,
        redis_commands_a_second=peak.turns_a_second * costs.redis_commands,
        redis_cores=peak.turns_a_second * costs.redis_cpu_ms / 1000,
    )


def table(sizes: tuple[int, ...], needs: list[Need]) -> str:
    rows: list[tuple[str, list[float]]] = [
        ("turns a second", [need.peak.turns_a_second for need in needs]),
        ("answers that run at once", [need.peak.answers_at_once for need in needs]),
        ("open connections", [need.peak.connections for need in needs]),
        ("**instances** (a core each, one to spare)", [need.instances for need in needs]),
        ("memory of all instances, GiB", [need.memory_gib for need in needs]),
        ("PostgreSQL: connections", [need.database_connections for need in needs]),
        ("PostgreSQL: cores", [need.database_cores for need in needs]),
        ("PostgreSQL: commits a second, at most as many writes to the disk", [need.commits_a_second for need in needs]),
        ("PostgreSQL: write-ahead log, MiB/s", [need.wal_mib_a_second for need in needs]),
        ("PostgreSQL: growth, GiB a day", [need.database_gib_a_day for need in needs]),
        ("Redis: memory, GiB", [need.redis_gib for need in needs]),
        ("Redis: commands a second", [need.redis_commands_a_second for need in needs]),
        ("Redis: cores", [need.redis_cores for need in needs]),
    ]
    head = "| sessions a day | " + " | ".join(f"{size:,}" for size in sizes) + " |\n"
    lines = [f"| {name} | " + " | ".join(_two_digits(value) for value in values) + " |\n" for name, values in rows]
    return head + "| --- |" + " ---: |" * len(sizes) + "\n" + "".join(lines)


def _two_digits(value: float) -> str:
    """Two digits that mean something, and no more: it is a forecast. Small whole numbers as they are."""
    if value == 0 or (value == int(value) and value < 100):
        return f"{value:g}"
    digits = max(0, 1 - math.floor(math.log10(abs(value))))
    rounded = round(value, 1 - math.floor(math.log10(abs(value))))
    return f"{rounded:,.{digits}f}"


def read_costs(path: Path) -> Costs:
    """What `bench instances` measured with two instances; an idle connection is that of `bench idle`, measured here."""
    found = json.loads(path.read_text(encoding="utf-8"))["by_instances"]["2"]
    return replace(
        MEASURED,
        cpu_ms=found["cpu_ms"],
        database_cpu_ms=found["postgresql_cpu_ms"],
        commits=found["commits"],
        wal_kib=found["wal_kib"],
        database_kib=found["database_kib"],
        redis_cpu_ms=found["redis_cpu_ms"],
        redis_commands=found["redis_commands"],
        redis_kib_a_session=found["redis_kib_a_session"],
        instance_mib=found["rss_mib"],
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 when the tables are not current")
    parser.add_argument("--sessions", type=int, metavar="N", help="print what N sessions a day need")
    parser.add_argument("--figures", type=Path, metavar="FILE", help="count with these figures, as in build/bench/instances.json")
    given = parser.parse_args()
    costs = read_costs(given.figures) if given.figures is not None else MEASURED
    sizes = (given.sessions,) if given.sessions is not None else SIZES
    written = table(sizes, [needed(size, costs=costs) for size in sizes])
    if given.sessions is not None or given.figures is not None:
        print(written, end="")
        return 0
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    current = f"{before}{_BEGIN}\n{written}\n{_END}{rest.partition(_END)[2]}"
    if not given.check:
        DOCUMENT.write_text(current, encoding="utf-8")
    elif current != text:
        print(f"{DOCUMENT.name} is not current: run 'python tools/scaling.py'.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
