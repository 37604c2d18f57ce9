"""What a turn costs where several instances share PostgreSQL and Valkey: CPU of each, commits, write-ahead log, bytes kept, commands.

Answers come as in life (first token after 200 ms, 50 tokens 10 ms apart) and each turn searches once, so this is what `tools/scaling.py`
counts with. PostgreSQL keeps what it commits (`fsync` on), as in production.
"""

import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psutil

from bench.conversations import Customers, customers
from bench.report import keep, show
from bench.servers import LOADED, REPOSITORY, Server, deskhand_server, model_server, settings_of_model, wait_until_warm

sys.path.insert(0, str(REPOSITORY / "tests"))

from parts import postgres, valkey

CONVERSATIONS = 40
TURNS = 8
_WARM_TURNS = 2
_SEARCH = " [model: tool]"
_COUNTERS = (
    "SELECT (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()),"
    " (SELECT wal_bytes FROM pg_stat_wal), pg_database_size(current_database())"
)


@dataclass(frozen=True, slots=True)
class Engines:
    """PostgreSQL and Valkey, with what they did so far."""

    database: postgres.PostgresServer
    database_url: str
    redis: valkey.ValkeyServer

    def counters(self) -> dict[str, float]:
        """Since they were started: CPU in seconds, the rest as counts or bytes."""
        name = self.database_url.rpartition("/")[2]
        self.database.run_sql("SELECT pg_stat_force_next_flush()", database=name)
        commits, wal, size = (float(value) for value in self.database.run_sql(_COUNTERS, database=name).split("|"))
        info = dict(line.split(":", 1) for line in self.redis.run("INFO", "all").decode().splitlines() if ":" in line)
        return {
            "postgresql_cpu": cpu_of_tree(self.database.pid),
            "commits": commits,
            "wal_bytes": wal,
            "database_bytes": size,
            "redis_cpu": cpu_of_tree(self.redis.pid),
            "redis_commands": float(info["total_commands_processed"]),
            "redis_bytes": float(info["used_memory"]),
        }


def run() -> bool:
    """Measure one instance and two; there is no aim to hold here."""
    found = {count: _measure(count) for count in (1, 2)}
    heads = ("instances", *(name.replace("_", " ") for name in found[1]))
    show("instances on PostgreSQL and Valkey, a turn", heads, [(count, *figures.values()) for count, figures in found.items()])
    keep("instances", {"conversations": CONVERSATIONS, "turns": TURNS, "by_instances": found})
    return True


def _measure(count: int) -> dict[str, float]:
    with ExitStack() as stack:
        shared = stack.enter_context(engines())
        model = stack.enter_context(model_server(tokens=50, first_ms=200, every_ms=10))
        servers = [stack.enter_context(deskhand_server(_settings(model, shared))) for _ in range(count)]
        for server in servers:
            wait_until_warm(server)
        for server in servers:
            with customers(server, conversations=CONVERSATIONS // count, directive=_SEARCH) as warming:
                warming.talk(_WARM_TURNS)
        crowds = [stack.enter_context(customers(server, conversations=CONVERSATIONS // count, directive=_SEARCH)) for server in servers]
        before, cpu_before = shared.counters(), sum(server.cpu_seconds() for server in servers)
        seconds, turns = _talk(crowds)
        after, cpu_after = shared.counters(), sum(server.cpu_seconds() for server in servers)
        grown = {name: after[name] - before[name] for name in after}
        return {
            "turns_per_second": round(turns / seconds, 1),
            "cpu_ms": round((cpu_after - cpu_before) * 1000 / turns, 2),
            "postgresql_cpu_ms": round(grown["postgresql_cpu"] * 1000 / turns, 2),
            "commits": round(grown["commits"] / turns, 1),
            "wal_kib": round(grown["wal_bytes"] / 1024 / turns, 1),
            "database_kib": round(grown["database_bytes"] / 1024 / turns, 1),
            "redis_cpu_ms": round(grown["redis_cpu"] * 1000 / turns, 2),
            "redis_commands": round(grown["redis_commands"] / turns, 1),
            "redis_kib_a_session": round(grown["redis_bytes"] / 1024 / CONVERSATIONS, 1),
            "rss_mib": round(sum(server.rss_bytes() for server in servers) / count / 2**20, 1),
        }


def _talk(crowds: list[Customers]) -> tuple[float, int]:
    """Let all talk at once; returns the seconds it took and the turns there were."""
    with ThreadPoolExecutor(len(crowds)) as pool:
        results = list(pool.map(lambda crowd: crowd.talk(TURNS), crowds))
    return max(result.seconds for result in results), sum(len(result.turns) for result in results)


def _settings(model: Server, shared: Engines) -> Mapping[str, str]:
    return {
        **settings_of_model(model),
        **LOADED,
        "DESKHAND_AGENT_TOOLS": "search_knowledge",
        "DESKHAND_DATABASE_URL": shared.database_url,
        "DESKHAND_REDIS_URL": shared.redis.url,
    }


@contextmanager
def engines() -> Iterator[Engines]:
    """Both, started and empty; what PostgreSQL commits is on the disk, which the tests' own does not do."""
    with closing(start_durable_postgres()) as database, closing(valkey.start_valkey()) as redis:
        yield Engines(database, database.create_database(), redis)


def start_durable_postgres(*more: str) -> postgres.PostgresServer:
    """The tests' server, but what it commits is on the disk. `more` are options of its command line. The caller closes it."""
    kept: Any = postgres.OPTIONS
    safe = tuple(each.replace("=off", "=on") if each in {"fsync=off", "full_page_writes=off"} else each for each in kept)
    postgres.OPTIONS = (*safe, *more)
    try:
        return postgres.start_postgres()
    finally:
        postgres.OPTIONS = kept


def cpu_of_tree(pid: int) -> float:
    """CPU seconds of a process and of all it started, those that are gone included."""
    process = psutil.Process(pid)
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        times = each.cpu_times()
        total += times.user + times.system + (times.children_user + times.children_system if each is process else 0)
    return total
