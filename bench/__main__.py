"""`python -m bench [name …]`: measure what Deskhand costs. Without names, everything."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from bench import (
    growth,
    idle,
    ingest,
    instances,
    load,
    model_client,
    pages,
    parsing,
    search,
    search_postgresql,
    session_length,
    session_store,
    sockets,
    start,
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure what Deskhand costs; figures go to build/bench/.")
    names = "load, session_length, start, idle, sockets, instances, growth, ingest, parsing, search, model_client, pages or session_store"
    parser.add_argument("names", nargs="*", metavar="name", help=names)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="the folder with the corpora (default: %(default)s)")
    parser.add_argument("--chunks", type=int, nargs="+", help="sizes to search in")
    parser.add_argument("--engine", choices=("memory", "postgresql"), default="memory", help="where to search (default: %(default)s)")
    given = parser.parse_args()
    searching, sizes = {"memory": (search.run, search.SIZES), "postgresql": (search_postgresql.run, search_postgresql.SIZES)}[given.engine]
    benchmarks: dict[str, Callable[[], bool]] = {
        "load": load.run,
        "session_length": session_length.run,
        "start": start.run,
        "idle": idle.run,
        "sockets": sockets.run,
        "instances": instances.run,
        "growth": growth.run,
        "ingest": lambda: ingest.run(given.data),
        "parsing": lambda: parsing.run(given.data),
        "search": lambda: searching(given.data, given.chunks or sizes),
        "model_client": model_client.run,
        "session_store": session_store.run,
        "pages": pages.run,
    }
    if unknown := set(given.names) - set(benchmarks):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(benchmarks)}")
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    try:
        held = [benchmarks[name]() for name in given.names or benchmarks]
    except ingest.CorpusMissing as error:
        print(error, file=sys.stderr)
        return 2
    return 0 if all(held) else 1


if __name__ == "__main__":
    raise SystemExit(main())
