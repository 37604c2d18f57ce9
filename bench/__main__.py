"""`python -m bench [name …]`: measure what Deskhand costs. Without names, everything."""

import argparse
import os
from collections.abc import Callable

from bench import idle, load, session_length, start

BENCHMARKS: dict[str, Callable[[], bool]] = {
    "load": load.run,
    "session_length": session_length.run,
    "start": start.run,
    "idle": idle.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure what Deskhand costs; figures go to build/bench/.")
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], metavar="name", help=", ".join(BENCHMARKS))
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    held = [BENCHMARKS[name]() for name in given.names or BENCHMARKS]
    return 0 if all(held) else 1


if __name__ == "__main__":
    raise SystemExit(main())
