"""What happens when a part that a test needs cannot be had: a loud skip on a desk, a failure in CI."""

import os
from typing import NoReturn

import pytest
from _pytest.terminal import TerminalReporter

MARK = "part missing:"


def part_missing(part: str, remedy: str) -> NoReturn:
    """End the test because `part` is not here. `remedy` is the sentence that says how to get it."""
    reason = f"{MARK} {part}. {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    missing: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if MARK in reason:
            sentence = reason[reason.index(MARK) :]
            missing[sentence] = missing.get(sentence, 0) + 1
    for sentence, tests in missing.items():
        terminalreporter.write_sep("!", f"{tests} tests did not run", red=True, bold=True)
        terminalreporter.write_line(sentence, red=True)
