"""Runs every check and every test, and ends with one line: `N passed, N failed, N skipped`, checks and tests together.

Standard library only. The tests run in parallel, one more than there are processors, as some wait for a browser or a server, and the checks
beside them; then the tests marked `serial`, which kill, freeze and time things and would be disturbed, or disturb, beside many others:
three at a time, as they mostly wait, and the longest first.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
REPORTS = ROOT / "build" / "reports"
PROGRAMS = Path(sys.executable).parent
MOST_WORKERS = 5
MOST_SERIAL_WORKERS = 3
MOST_CHECKS_BESIDE_TESTS = 2
NO_TESTS_COLLECTED = 5


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def plus(self, other: "Tally") -> "Tally":
        return Tally(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


LINT = (
    Check("ruff check", (str(PROGRAMS / "ruff"), "check", "--quiet", ".")),
    Check("ruff format", (str(PROGRAMS / "ruff"), "format", "--check", "--quiet", ".")),
    Check("mypy", (str(PROGRAMS / "mypy"),)),
    Check("import contract", (str(PROGRAMS / "lint-imports"), "--no-cache")),
)
WEB = tuple(
    Check(f"web {script}", ("sh", "tools/npm.sh", "run", "--silent", script)) for script in ("check-generated", "typecheck", "lint", "test")
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Run every check and every test.")
    parser.add_argument("--only", choices=("lint", "web", "tests"), help="a part of them")
    parser.add_argument("paths", nargs="*", help="tests to run instead of all")
    options = parser.parse_args(arguments)
    # A shell that begins this in the background has it ignored, and tests press Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    checks = [check for part, several in (("lint", LINT), ("web", WEB)) if options.only in {None, part} for check in several]
    if not (ROOT / "web" / "package.json").exists():
        checks = [check for check in checks if check not in WEB]
    has_tests = options.only in {None, "tests"}
    processors = os.cpu_count() or 1
    tally = Tally()
    with ThreadPoolExecutor(MOST_CHECKS_BESIDE_TESTS if has_tests else MOST_WORKERS) as pool:
        checking = pool.map(run_check, checks)
        if has_tests:
            workers = min(MOST_WORKERS, processors + 1)
            tally = tally.plus(run_pytest("parallel", ["-m", "not serial", "-n", str(workers), "--dist", "worksteal", *options.paths]))
        for checked in checking:
            tally = tally.plus(checked)
    if has_tests:
        workers = min(MOST_SERIAL_WORKERS, max(1, processors - 1))
        # One at a time to each worker, in the order that tests/conftest.py puts them.
        chosen = ["-m", "serial", "-n", str(workers), "--dist", "loadgroup", "--no-loadscope-reorder"]
        tally = tally.plus(run_pytest("serial", [*chosen, *options.paths]))
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / "tally.txt").write_text(f"{tally}\n", encoding="utf-8")
    print(f"\n{tally}", flush=True)
    return 1 if tally.failed else 0


def run_check(check: Check) -> Tally:
    """Run it, and say what came of it as soon as it has ended."""
    start = time.monotonic()
    done = subprocess.run(check.command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    is_good = done.returncode == 0
    verdict = f"\n{'ok' if is_good else 'FAILED':<7}{check.name} ({time.monotonic() - start:.1f} s)"
    print(verdict if is_good else f"{verdict}\n{done.stdout}", flush=True)
    return Tally(passed=1) if is_good else Tally(failed=1)


def run_pytest(name: str, arguments: Sequence[str]) -> Tally:
    report = REPORTS / f"{name}.xml"
    REPORTS.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", *arguments]
    # pytest rewrites the asserts of each file, and only where Python may keep bytecode does not every worker do it again.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    if code == NO_TESTS_COLLECTED:
        return Tally()
    tally = _read(report) if report.exists() else Tally()
    # pytest can end badly without a failed test: a crash, an interrupt, a wrong option.
    return tally.plus(Tally(failed=1)) if code != 0 and tally.failed == 0 else tally


def _read(report: Path) -> Tally:
    total = Tally()
    for suite in ET.parse(report).getroot().iter("testsuite"):
        tests, failed, errors, skipped = (int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped"))
        total = total.plus(Tally(passed=tests - failed - errors - skipped, failed=failed + errors, skipped=skipped))
    return total


if __name__ == "__main__":
    sys.exit(main())
