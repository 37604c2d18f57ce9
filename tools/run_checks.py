"""Runs every check and every test, and ends with one line: `N passed, N failed, N skipped`, checks and tests together.

Standard library only. The checks run side by side first; then the tests in parallel; then the tests marked `serial`, which kill, freeze and
time things and would be disturbed, or disturb, beside many others: two at a time, as they mostly wait.
"""

import argparse
import os
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
MOST_WORKERS = 4
MOST_SERIAL_WORKERS = 2
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
    checks = [check for part, several in (("lint", LINT), ("web", WEB)) if options.only in {None, part} for check in several]
    if not (ROOT / "web" / "package.json").exists():
        checks = [check for check in checks if check not in WEB]
    tally = run_checks(checks)
    if options.only in {None, "tests"}:
        tally = tally.plus(run_tests(options.paths))
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / "tally.txt").write_text(f"{tally}\n", encoding="utf-8")
    print(f"\n{tally}", flush=True)
    return 1 if tally.failed else 0


def run_checks(checks: Sequence[Check]) -> Tally:
    tally = Tally()
    with ThreadPoolExecutor(max_workers=MOST_WORKERS) as pool:
        for check, (code, output, seconds) in zip(checks, pool.map(_run_check, checks), strict=True):
            print(f"{'ok' if code == 0 else 'FAILED':<7}{check.name} ({seconds:.1f} s)", flush=True)
            if code != 0:
                print(output, flush=True)
            tally = tally.plus(Tally(passed=1) if code == 0 else Tally(failed=1))
    return tally


def _run_check(check: Check) -> tuple[int, str, float]:
    start = time.monotonic()
    done = subprocess.run(check.command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout, time.monotonic() - start


def run_tests(paths: Sequence[str]) -> Tally:
    processors = os.cpu_count() or 1
    together = _run_pytest("parallel", ["-m", "not serial", *_spread(min(MOST_WORKERS, processors)), *paths])
    apart = _run_pytest("serial", ["-m", "serial", *_spread(min(MOST_SERIAL_WORKERS, (processors + 1) // 2)), *paths])
    return together.plus(apart)


def _spread(workers: int) -> list[str]:
    return ["-n", str(workers), "--dist", "worksteal"]


def _run_pytest(name: str, arguments: Sequence[str]) -> Tally:
    report = REPORTS / f"{name}.xml"
    REPORTS.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", *arguments]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
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
